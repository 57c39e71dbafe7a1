//! Which implementation of TLS this process uses: one without a C library.

/// Chooses it, before the first client is made. Whoever was first has chosen
/// for all, and is as good.
pub fn choose() {
    drop(rustls::crypto::ring::default_provider().install_default());
}
