//! Encrypted connections to others, behind the feature `tls`. Without it, `https://` addresses are refused by the HTTP client, and
//! encryption is left to a proxy.

/// Chooses the cryptography behind TLS for this process, once; must come before the first HTTP client is made. Does nothing without the
/// feature `tls`, or when the program has chosen already.
pub fn prepare() {
    #[cfg(feature = "tls")]
    {
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}
