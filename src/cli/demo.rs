//! `demo`: the service among stand-ins for everything that it talks to.

/// Runs the demonstration; with `once` it walks through it by itself and ends.
///
/// # Errors
/// Always, so far.
pub fn run(_once: bool) -> impl Future<Output = anyhow::Result<()>> {
    std::future::ready(Err(anyhow::anyhow!("the demonstration is not part of this version")))
}
