//! Certificates of a bed: one authority, elliptic curve keys (RSA keys take seconds on a busy machine).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, PublicKeyData as _, SigningKey as _, date_time_ymd,
};

use super::failure::{Context, Result};

/// A certificate and its private key, both PEM.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: String,
    /// The private key, PKCS 8.
    pub key: String,
}

/// When a certificate is valid.
#[derive(Debug, Clone, Copy)]
pub enum Validity {
    /// For longer than any test.
    Current,
    /// Until a day long ago.
    Expired,
}

/// A certificate authority.
pub struct Authority {
    name: String,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A new authority with a key of its own.
    pub fn new(name: &str) -> Result<Self> {
        let key = new_key()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(name, None);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer = CertifiedIssuer::self_signed(params, key).context("making the authority")?;
        Ok(Self { name: name.to_owned(), issuer })
    }

    /// The authority's own certificate, PEM.
    pub fn certificate(&self) -> String {
        self.issuer.pem()
    }

    /// A server certificate for these DNS names and addresses.
    pub fn server(&self, names: &[&str]) -> Result<Identity> {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(names).context("server names")?;
        params.distinguished_name = subject("kube-apiserver", None);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        self.issue(&params)
    }

    /// A client certificate: Kubernetes reads the user from the common name and the
    /// group from the organisation (rcgen writes at most one). The extended key usage
    /// also makes it an X.509 version 3 certificate; rustls refuses version 1.
    pub fn client(&self, user: &str, group: Option<&str>, validity: Validity) -> Result<Identity> {
        let mut params = CertificateParams::default();
        params.distinguished_name = subject(user, group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        if let Validity::Expired = validity {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2020, 1, 2);
        }
        self.issue(&params)
    }

    fn issue(&self, params: &CertificateParams) -> Result<Identity> {
        let key = new_key()?;
        let certificate = params.signed_by(&key, &self.issuer).context("signing a certificate")?;
        Ok(Identity { certificate: certificate.pem(), key: key.serialize_pem() })
    }
}

impl Authority {
    /// A client certificate without any extension, hence of X.509 version 1, as MicroK8s
    /// and careless use of openssl make them. No library writes these any more, so the
    /// few fields (RFC 5280 §4.1) are put together here.
    pub fn client_version_1(&self, user: &str, group: &str) -> Result<Identity> {
        let key = new_key()?;
        let algorithm = der(SEQUENCE, &[&der(OBJECT_ID, &[&ECDSA_WITH_SHA256])]);
        let fields = der(
            SEQUENCE,
            &[
                &der(INTEGER, &[&[1]]),
                &algorithm,
                &der_name(&[(COMMON_NAME, &self.name)]),
                &der(SEQUENCE, &[&der(UTC_TIME, &[b"200101000000Z"]), &der(UTC_TIME, &[b"490101000000Z"])]),
                &der_name(&[(ORGANISATION, group), (COMMON_NAME, user)]),
                &key.subject_public_key_info(),
            ],
        );
        let signature = self.issuer.key().sign(&fields).context("signing a certificate")?;
        let certificate = der(SEQUENCE, &[&fields, &algorithm, &der(BIT_STRING, &[&[0], &signature])]);
        Ok(Identity { certificate: pem(&certificate), key: key.serialize_pem() })
    }
}

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OBJECT_ID: u8 = 0x06;
const UTF8_STRING: u8 = 0x0C;
const UTC_TIME: u8 = 0x17;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// 1.2.840.10045.4.3.2
const ECDSA_WITH_SHA256: [u8; 8] = [0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02];
/// 2.5.4.3
const COMMON_NAME: [u8; 3] = [0x55, 0x04, 0x03];
/// 2.5.4.10
const ORGANISATION: [u8; 3] = [0x55, 0x04, 0x0A];

/// One DER value with these parts as its content.
fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let length = content.len().to_be_bytes();
    let significant = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    let mut value = vec![tag];
    if let ([] | [0..0x80], [.., last]) = (significant, &length) {
        value.push(*last);
    } else {
        value.push(0x80 | u8::try_from(significant.len()).unwrap_or(0));
        value.extend(significant);
    }
    value.extend(content);
    value
}

/// A distinguished name.
fn der_name(attributes: &[([u8; 3], &str)]) -> Vec<u8> {
    let attributes: Vec<Vec<u8>> = attributes
        .iter()
        .map(|(kind, value)| {
            let value = der(UTF8_STRING, &[value.as_bytes()]);
            der(SET, &[&der(SEQUENCE, &[&der(OBJECT_ID, &[kind]), &value])])
        })
        .collect();
    der(SEQUENCE, &[&attributes.concat()])
}

fn pem(certificate: &[u8]) -> String {
    let body = STANDARD.encode(certificate);
    format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
}

/// A private key for signing ServiceAccount tokens, and its public half, both PEM. The
/// API server reads no public key out of a PKCS 8 private one.
pub fn signing_keys() -> Result<(String, String)> {
    let key = new_key()?;
    Ok((key.serialize_pem(), key.public_key_pem()))
}

fn new_key() -> Result<KeyPair> {
    KeyPair::generate().context("making a key")
}

fn subject(name: &str, organisation: Option<&str>) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    if let Some(organisation) = organisation {
        subject.push(DnType::OrganizationName, organisation);
    }
    subject.push(DnType::CommonName, name);
    subject
}
