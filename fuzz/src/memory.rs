//! How much memory a reader takes.

use crate::material::ring;

/// Most that a reader may take for each byte it is given, and for its messages to people.
const PER_BYTE: u64 = 8;
const BESIDES: u64 = 8 << 10;

/// What `read` gives, which may take as much memory for this input as `shared::wire` says.
///
/// On a thread of its own, which has no buffers of earlier polynomials to use again.
///
/// # Panics
/// If it takes more.
pub fn bounded<T: Send>(input: &[u8], read: impl FnOnce(&[u8]) -> T + Send) -> T {
    // Made once, and not by whoever is measured first.
    ring();
    let measure = || {
        let mut found = None;
        let memory = allocation_counter::measure(|| found = Some(read(input)));
        (found, memory.bytes_max)
    };
    let (found, most) = std::thread::scope(|scope| scope.spawn(measure).join().expect("no panic"));
    let allowed = PER_BYTE * input.len() as u64 + BESIDES;
    assert!(
        most <= allowed,
        "{most} bytes for {} bytes of input, {allowed} are allowed",
        input.len()
    );
    found.expect("it was read")
}
