//! Loaded before the C library by a program whose wall clock a test moves: adds what the file `STEP_FILE` says, in
//! seconds, to the time of day. All other clocks are as they are.

use std::{
    env,
    ffi::{c_char, c_int, c_long, c_void},
    fs,
    sync::OnceLock,
};

#[repr(C)]
pub struct Timespec {
    seconds: i64,
    nanoseconds: c_long,
}

type ClockGettime = unsafe extern "C" fn(c_int, *mut Timespec) -> c_int;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: *const c_char) -> *mut c_void;
}

const RTLD_NEXT: *mut c_void = usize::MAX as *mut c_void;
const CLOCK_REALTIME: c_int = 0;

/// The one of the C library.
fn real() -> ClockGettime {
    static REAL: OnceLock<ClockGettime> = OnceLock::new();
    *REAL.get_or_init(|| {
        // SAFETY: the name ends with a zero; every C library has this function, with this signature.
        unsafe { std::mem::transmute(dlsym(RTLD_NEXT, c"clock_gettime".as_ptr())) }
    })
}

/// # Safety
///
/// As of the function of the C library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int {
    // SAFETY: what the caller gave is passed on.
    let told = unsafe { real()(clock, time) };
    if told == 0 && clock == CLOCK_REALTIME {
        let file = env::var_os("STEP_FILE").and_then(|file| fs::read_to_string(file).ok());
        let step: i64 = file.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
        // SAFETY: the call succeeded, so there is a time.
        unsafe { (*time).seconds += step };
    }
    told
}
