//! Bearer tokens, from wherever they come: trimmed, checked, and read again where they are in a file.
//!
//! kube puts a token of the kubeconfig into a header unchecked, where a line break is a panic, and does not trim those of
//! files, which end in one when `echo` wrote them. client-go trims files (transport/token_source.go).

use std::path::{Path, PathBuf};

use kube::config::AuthInfo;
use secrecy::{ExposeSecret, SecretString};

use super::kubeconfig::config_error;
use crate::files;
use crate::fleet::ConnectionError;

/// Larger token files are rejected unread; API servers take headers of 1 MiB.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// A token that was read from a file, which may hold another one by now.
#[derive(Clone)]
pub(super) struct TokenFile {
    path: PathBuf,
    read: SecretString,
}

impl TokenFile {
    /// Whether the file has another token now. One that cannot be read has none: who removes the file after the start
    /// goes on with the token that was read (kubernetes/kubernetes#68164).
    pub(super) fn has_another(&self) -> bool {
        read(&self.path).is_ok_and(|now| now.expose_secret() != self.read.expose_secret())
    }
}

/// A token without the white space around it; `None` if nothing is left.
///
/// # Errors
/// When it holds control characters, which no header may have: words that follow "the token". They do not show it.
pub(super) fn trimmed(token: &str) -> Result<Option<SecretString>, &'static str> {
    let token = token.trim();
    if token.chars().any(char::is_control) {
        return Err("contains a line break or another control character");
    }
    Ok((!token.is_empty()).then(|| token.to_owned().into()))
}

/// As [`trimmed`], for a token that the user wrote somewhere; `origin` says in the error where.
pub(super) fn configured(token: &str, origin: &str) -> Result<Option<SecretString>, ConnectionError> {
    let refused =
        |words| config_error(format!("the token {origin} {words}"), "Write it in one line, with nothing else.");
    trimmed(token).map_err(refused)
}

/// Trims and checks the tokens that stand in the kubeconfig itself.
pub(super) fn trim_inline(user: &mut AuthInfo) -> Result<(), ConnectionError> {
    if let Some(token) = user.token.take() {
        user.token = configured(token.expose_secret(), "of the user in the kubeconfig")?;
    }
    let provider = user.auth_provider.as_mut().and_then(|provider| provider.config.get_mut("id-token"));
    if let Some(token) = provider {
        let checked = configured(token, "of the user's auth-provider in the kubeconfig")?;
        *token = checked.map(|token| token.expose_secret().to_owned()).unwrap_or_default();
    }
    Ok(())
}

/// Reads the token file of a user who signs in with one, and puts its token in its place.
///
/// # Errors
/// When the file cannot be read, or holds no token that can be used.
pub(super) fn take_file(user: &mut AuthInfo) -> Result<Option<TokenFile>, ConnectionError> {
    let Some(path) = user.token_file.take().map(PathBuf::from) else { return Ok(None) };
    // The precedence of kube: all these come before a token file.
    if user.token.is_some() || user.auth_provider.is_some() || (user.username.is_some() && user.password.is_some()) {
        return Ok(None);
    }
    let read = read(&path)?;
    user.token = Some(read.clone());
    Ok(Some(TokenFile { path, read }))
}

fn read(path: &Path) -> Result<SecretString, ConnectionError> {
    const HINT: &str = "Check tokenFile of the user in the kubeconfig.";
    let origin = format!("in {}", path.display());
    let text = files::read_text(path, MAX_TOKEN_BYTES)
        .map_err(|error| config_error(format!("the token {origin} cannot be used: {error}"), HINT))?;
    configured(&text, &origin)?
        .ok_or_else(|| config_error(format!("the token {origin} cannot be used: the file is empty"), HINT))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exposed(token: Option<&SecretString>) -> Option<&str> {
        token.map(SecretString::expose_secret)
    }

    #[test]
    fn tokens_are_trimmed_and_control_characters_refused_without_showing_them() {
        let token = |text| configured(text, "of a test");
        assert_eq!(exposed(token(" \tabc.d-e\r\n").unwrap().as_ref()), Some("abc.d-e"));
        assert!(token(" \n").unwrap().is_none());
        for bad in ["swordfish\nsecond", "sword\u{1b}[2Jfish", "sword\u{7f}fish", "sword\tfish", "sword\u{85}fish"] {
            let error = token(bad).unwrap_err();
            assert!(error.message.starts_with("the token of a test contains") && error.exit_code == 2, "{error:?}");
            assert!(!format!("{error:?}").contains("fish"), "{error:?}");
        }
    }

    #[test]
    fn inline_and_auth_provider_tokens_of_the_kubeconfig_are_trimmed() {
        let yaml = "token: \"abc\\n\"\nauth-provider: {name: oidc, config: {id-token: \"def\\n\"}}";
        let mut user: AuthInfo = serde_saphyr::from_str(yaml).unwrap();
        trim_inline(&mut user).unwrap();
        assert_eq!(exposed(user.token.as_ref()), Some("abc"));
        assert_eq!(user.auth_provider.unwrap().config["id-token"], "def");
        let mut bad: AuthInfo = serde_saphyr::from_str("token: \"a\\nb\"").unwrap();
        assert!(trim_inline(&mut bad).is_err());
    }

    #[test]
    fn a_token_file_is_read_trimmed_and_its_changes_are_detected() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let user = || AuthInfo { token_file: Some(path.display().to_string()), ..AuthInfo::default() };
        std::fs::write(&path, "abc\n").unwrap();
        let mut first = user();
        let file = take_file(&mut first).unwrap().unwrap();
        assert_eq!((exposed(first.token.as_ref()), first.token_file), (Some("abc"), None));
        assert!(!file.has_another());
        std::fs::write(&path, "abc").unwrap();
        assert!(!file.has_another(), "only the white space differs");
        std::fs::write(&path, "def\n").unwrap();
        assert!(file.has_another());
        for unusable in ["", "a\nb"] {
            std::fs::write(&path, unusable).unwrap();
            assert!(!file.has_another() && take_file(&mut user()).is_err(), "{unusable:?}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(!file.has_another() && take_file(&mut user()).is_err());
        let mut other = AuthInfo { token: Some("inline".to_owned().into()), ..user() };
        assert!(take_file(&mut other).unwrap().is_none());
        assert_eq!(exposed(other.token.as_ref()), Some("inline"));
    }
}
