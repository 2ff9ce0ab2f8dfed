//! How much of the memory a program asks for is resident.

/// Has the kernel give pages of 4 KiB and no huge ones from here on; for programs that hold many connections and little
/// else.
///
/// Most of a connection's buffers is never touched. In pages of 4 KiB that part costs nothing; a huge page of which a
/// byte is used is resident as a whole.
pub fn without_huge_pages() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        tracing::warn!(cause = %error, "huge pages stay on: idle connections will take up to twice the memory");
    }
}
