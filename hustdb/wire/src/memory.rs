//! How much of the memory a program asks for is resident.

/// Has the kernel give pages of 4 KiB and no huge ones from here on.
///
/// Where the kernel must find memory for a huge page, or its host must, a thread that touches one byte of it may stand
/// still for tenths of a second. And most of a connection's buffers is never touched: in pages of 4 KiB that part costs
/// nothing, while a huge page of which a byte is used is resident as a whole.
pub fn without_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!(cause = %error, "huge pages stay on: requests may stall, and idle connections take up to twice the memory");
    }
}
