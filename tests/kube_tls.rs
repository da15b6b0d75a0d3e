//! What a person is told when TLS with the API server does not come about.

#![allow(clippy::expect_used, clippy::panic, reason = "what a test needs and does not get fails it")]

use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use batchtop::fleet::{ConnectionError, Epoch, Report};
use batchtop::source::kube::{ConnectOptions, KubeSource, Timing};
use batchtop::units::Time;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// A self-signed X.509 version 1 certificate and its key, as `openssl x509 -req` without extensions makes them.
const V1_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBTjCB9QIUAfWB2/qhnbqvNX4o6glY6tlG9IswCgYIKoZIzj0EAwIwKTEOMAwG
A1UEAwwFYWRtaW4xFzAVBgNVBAoMDnN5c3RlbTptYXN0ZXJzMCAXDTI2MTEyMTIz
MDIxOVoYDzIxMjYxMDI4MjMwMjE5WjApMQ4wDAYDVQQDDAVhZG1pbjEXMBUGA1UE
CgwOc3lzdGVtOm1hc3RlcnMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAQLhACo
8tvxq2SrB2cZpqhNk09N1oY86WVtpUXnYZACLJGUJwJw5fJYP5rnnL76XBwT2yHb
KzLZd3QqOYlwB/RbMAoGCCqGSM49BAMCA0gAMEUCIQDEz180QNYoDst03JFyINHW
s26xgIBxM/Oox7styFWfTAIgU+VsTCjFqc/pVKO6c2ZreWco+GbWyy5Zj6MORfJk
gx0=
-----END CERTIFICATE-----
";
const V1_KEY: &str = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguvvNMTMvScGHt6M+
+RPPfS8gM7FGq4/5Z9TgTH6e1ZGhRANCAAQLhACo8tvxq2SrB2cZpqhNk09N1oY8
6WVtpUXnYZACLJGUJwJw5fJYP5rnnL76XBwT2yHbKzLZd3QqOYlwB/Rb
-----END PRIVATE KEY-----
";

/// A certificate and its key.
struct Pair {
    certificate: String,
    der: CertificateDer<'static>,
    key: KeyPair,
}

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

#[derive(Clone, Copy)]
enum Validity {
    Now,
    LongPast,
}

fn issued(by: &Authority, name: &str, validity: Validity) -> Pair {
    let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
    if let Validity::LongPast = validity {
        params.not_before = rcgen::date_time_ymd(2001, 1, 1);
        params.not_after = rcgen::date_time_ymd(2002, 1, 1);
    }
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, by).expect("a certificate");
    Pair { certificate: certificate.pem(), der: certificate.der().clone(), key }
}

/// Answers every request with `{}`, and asks for a client certificate of `clients` if given.
async fn server(pair: &Pair, clients: Option<&Authority>) -> String {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(pair.key.serialize_der()));
    let builder = match clients {
        None => ServerConfig::builder().with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority.der().clone()).expect("a root");
            let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).build().expect("a verifier");
            ServerConfig::builder().with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(vec![pair.der.clone()], key).expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut tls) = acceptor.accept(socket).await else { return };
                let _ = tls.read(&mut [0; 4096]).await;
                let _ = tls.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}").await;
                let _ = tls.shutdown().await;
            });
        }
    });
    format!("https://{address}")
}

/// The first thing that is reported of a cluster: that it is connected, or why not.
async fn first_report(server: &str, cluster: &str, user: &str, options: ConnectOptions) -> Result<(), ConnectionError> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("config");
    let config = format!(
        "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
         clusters: [{{name: c, cluster: {{server: '{server}'{cluster}}}}}]\nusers: [{{name: u, user: {{{user}}}}}]\n"
    );
    std::fs::write(&path, config).expect("a file");
    let options = ConnectOptions { kubeconfig: Some(path), ..options };
    let source = KubeSource::new(options, Vec::new(), Timing::default(), || Time::from_seconds(0));
    let (sink, mut reports) = mpsc::channel(64);
    let cancel = CancellationToken::new();
    tokio::spawn(source.run(sink, Epoch(1), cancel.clone()));
    let first = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            match reports.recv().await.expect("a report").1 {
                Report::Down(error) => return Err(error),
                // Streams begin once a server has answered; what the kubeconfig says is told before.
                Report::Health(..) => return Ok(()),
                Report::Delta(_) | Report::Cluster(_) => {}
            }
        }
    });
    let first = first.await.expect("a report in time");
    cancel.cancel();
    first
}

fn trusting(authority: &Authority) -> String {
    format!(", certificate-authority-data: {}", STANDARD.encode(authority.pem()))
}

fn with_certificate(certificate: &str, key: &str) -> String {
    format!("client-certificate-data: {}, client-key-data: {}", STANDARD.encode(certificate), STANDARD.encode(key))
}

async fn refusal(server: &str, cluster: &str, user: &str) -> ConnectionError {
    let error = first_report(server, cluster, user, ConnectOptions::default()).await.expect_err("a refusal");
    assert!(!error.message.contains('\n') && !error.hint.is_empty(), "{error:?}");
    error
}

#[tokio::test]
async fn a_valid_server_certificate_connects() {
    let authority = authority();
    let url = server(&issued(&authority, "127.0.0.1", Validity::Now), None).await;
    assert_eq!(first_report(&url, &trusting(&authority), "", ConnectOptions::default()).await, Ok(()));
}

#[tokio::test]
async fn a_valid_client_certificate_connects_and_an_expired_one_is_reported() {
    let authority = authority();
    let url = server(&issued(&authority, "127.0.0.1", Validity::Now), Some(&authority)).await;
    let good = issued(&authority, "jane", Validity::Now);
    let user = with_certificate(&good.certificate, &good.key.serialize_pem());
    assert_eq!(first_report(&url, &trusting(&authority), &user, ConnectOptions::default()).await, Ok(()));
    let old = issued(&authority, "jane", Validity::LongPast);
    let user = with_certificate(&old.certificate, &old.key.serialize_pem());
    let error = refusal(&url, &trusting(&authority), &user).await;
    assert!(error.message.contains("TLS with") && error.message.contains("Expired"), "{error:?}");
    assert_eq!(error.exit_code, 3);
}

#[tokio::test]
async fn an_unknown_issuer_is_reported_and_can_be_accepted_as_insecure() {
    let url = server(&issued(&authority(), "127.0.0.1", Validity::Now), None).await;
    let error = refusal(&url, &trusting(&authority()), "").await;
    assert!(error.hint.contains("not signed by certificate-authority"), "{error:?}");
    let insecure = ConnectOptions { insecure_skip_tls_verify: true, ..ConnectOptions::default() };
    assert_eq!(first_report(&url, "", "", insecure).await, Ok(()));
}

#[tokio::test]
async fn an_expired_server_certificate_is_reported() {
    let authority = authority();
    let url = server(&issued(&authority, "127.0.0.1", Validity::LongPast), None).await;
    let error = refusal(&url, &trusting(&authority), "").await;
    assert!(error.message.to_lowercase().contains("expired") && error.hint.contains("expired"), "{error:?}");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_reported() {
    let authority = authority();
    let url = server(&issued(&authority, "other.example", Validity::Now), None).await;
    let error = refusal(&url, &trusting(&authority), "").await;
    assert!(error.hint.contains("tls-server-name"), "{error:?}");
    let cluster = format!("{}, tls-server-name: other.example", trusting(&authority));
    assert_eq!(first_report(&url, &cluster, "", ConnectOptions::default()).await, Ok(()));
}

#[tokio::test]
async fn a_version_1_client_certificate_is_reported() {
    let authority = authority();
    let url = server(&issued(&authority, "127.0.0.1", Validity::Now), None).await;
    let error = refusal(&url, &trusting(&authority), &with_certificate(V1_CERTIFICATE, V1_KEY)).await;
    assert!(error.message.contains("X.509 version 1") && error.exit_code == 3, "{error:?}");
}

#[tokio::test]
async fn unreadable_credentials_are_reported() {
    let broken = refusal("https://127.0.0.1:1", ", certificate-authority-data: bm9uc2Vuc2U=", "").await;
    assert!(broken.message.contains("certificate-authority") && broken.exit_code == 2, "{broken:?}");
    let missing =
        refusal("https://127.0.0.1:1", "", "client-certificate: /missing.pem, client-key: /missing.key").await;
    assert!(missing.message.contains("cannot be used"), "{missing:?}");
    let token = refusal("https://127.0.0.1:1", "", "tokenFile: /missing").await;
    assert!(token.message.contains("cannot be used"), "{token:?}");
}

#[tokio::test]
async fn a_server_without_tls_is_reported() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("https://{}", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let _ = socket.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
    });
    let error = refusal(&url, "", "").await;
    assert!(error.message.contains("TLS with"), "{error:?}");
}

#[tokio::test]
async fn an_unresolvable_server_name_is_reported() {
    let error = refusal("https://no-such-host.invalid", "", "").await;
    assert!(error.message.contains("cannot be reached"), "{error:?}");
}
