//! Certificates and keys of tests, as PEM.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256, RsaKeySize};

/// What comes before the key proper in PKCS#8 of an RSA key of 2048 bits: two lengths, a version and
/// the algorithm.
const PKCS8_HEAD: usize = 26;

/// A certificate with its private key.
pub(crate) struct Issued {
    pub(crate) certificate: String,
    /// PKCS#8.
    pub(crate) key: String,
    /// PKCS#8.
    pub(crate) key_der: Vec<u8>,
    /// The public key.
    pub(crate) public: Vec<u8>,
    pub(crate) certificate_der: Vec<u8>,
}

/// Two that have nothing to do with each other.
pub(crate) static OURS: LazyLock<Issued> = LazyLock::new(Issued::rsa);
pub(crate) static OTHER: LazyLock<Issued> = LazyLock::new(Issued::rsa);

impl Issued {
    pub(crate) fn rsa() -> Self {
        Self::of(&KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap())
    }

    pub(crate) fn elliptic() -> Self {
        Self::of(&KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap())
    }

    fn of(key: &KeyPair) -> Self {
        let certificate = CertificateParams::default().self_signed(key).unwrap();
        let (certificate_der, key_der) = (certificate.der().to_vec(), key.serialize_der());
        Self {
            certificate: pem("CERTIFICATE", &certificate_der),
            key: pem("PRIVATE KEY", &key_der),
            public: rcgen::PublicKeyData::subject_public_key_info(key),
            key_der,
            certificate_der,
        }
    }

    /// The key in PKCS#1.
    pub(crate) fn pkcs1(&self) -> String {
        pem("RSA PRIVATE KEY", &self.key_der[PKCS8_HEAD..])
    }
}

/// Wraps DER.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: String = text
        .as_bytes()
        .chunks(64)
        .fold(String::new(), |lines, line| lines + std::str::from_utf8(line).unwrap() + "\n");
    format!("-----BEGIN {label}-----\n{lines}-----END {label}-----\n")
}

/// An RSA key of 1024 bits, PKCS#8. Whoever makes keys today refuses to make one.
pub(crate) fn short_key() -> String {
    pem("PRIVATE KEY", &STANDARD.decode(SHORT_KEY).unwrap())
}

const SHORT_KEY: &str = "\
    MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAOBzEzlNZPvOm5642u3IfyXKqwTNQqo94NKt45gEYo\
    1YBTu58qkl78aKa8nQAzaVrCv+1fiUgyoQ7ANnWwSXm70eADS9Grw4/TVUbh3vW9+6/1P5Xo+eH/4Vlo9zikba19Rq\
    shQxQ91rD3graV3pZgajzzEwME/QHNKImsZUWqDFAgMBAAECgYAAtJvk3DdrCzU2BIK7qJuttLtg4nxJKLSiNOW4Pp\
    tIsnQhwe3fVj0wtJKuKbc43rOR19U4WM8ovLDhOdvxYcCdkA5oCm1SvMJaj7Uf9pBqBhDZvOPjR8j746IAWlKdm1sa\
    0fXqJQm67hHNeI6ej8ygCnNTWzEVjtt11re94kalKQJBAPrNBon3c9MRdE7tIpYqv0b1G+2RMzfSodZixx6DWIoB0j\
    XbzX4+0rDUtlksNV0oa8HeZkMASjm0Tsx1iBcOzG8CQQDlGjSezVS5EeFBi1U17Uob9pRUWFVZi+aqNkksDnmJHd4W\
    GUCLaH/Kt5mbcnKXMWBhfDekkAWpBre1NeS94agLAkBGb+qUOQE4mEBYIlWCY0MRRKmxUQRXezqkoV1W/oCRUe2d3r\
    uZ5z75FuSXqsjZ/w40hqelzaELD87JsYClKSzVAkAwPsGAA4to4bwG2nmaPpsRom6ACI4Iqm5rv7zO+0lat6ByFOVD\
    tkDbBqjhVEuPTUWXodnx3KZkftam4W+HEQMbAkEAz6B7OGrRZNXsMF36aQrPNURS43SJbkf4vIHuXJIlP7Y0jOEGKF\
    WYfqoyLuGCCZaABRoo+cj1hEFMbfX/Ht1HSw==";
