//! The user's editor, in which an object is read.

use std::fs::{OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::files;

/// The first line of every file that is read in the editor.
const READ_ONLY: &str = "# A copy to read: what is changed here is not applied.\n";

/// The editor where neither variable names one.
const USUAL_EDITOR: &str = "vi";

/// Longest copy that is compared with what was written.
const MOST_BYTES: u64 = 4 << 20;

/// A private copy of a text; removed when dropped.
pub struct Copy {
    folder: TempDir,
    file: String,
    text: String,
}

impl Copy {
    /// Writes a text into a folder that only the user can enter.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn of(name: &str, text: &str) -> io::Result<Self> {
        let folder =
            tempfile::Builder::new().prefix("batchtop-").permissions(Permissions::from_mode(0o700)).tempdir()?;
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
        let name: String = name.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let copy = Self { folder, file: format!("{name}.yaml"), text: format!("{READ_ONLY}{text}") };
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(copy.path())?;
        file.write_all(copy.text.as_bytes())?;
        Ok(copy)
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join(&self.file)
    }

    /// Whether the editor has changed it.
    pub fn is_changed(&self) -> bool {
        files::read(&self.path(), MOST_BYTES).is_ok_and(|bytes| bytes != self.text.as_bytes())
    }

    /// Starts the editor on it, in the terminal.
    ///
    /// # Errors
    /// When no shell can be started.
    pub fn open(&self, editor: &str) -> io::Result<Child> {
        // As git does it: the variable may hold arguments, and quotes around them.
        let script = format!("exec {editor} \"$1\"");
        Command::new("sh").arg("-c").arg(script).arg("batchtop").arg(self.path()).kill_on_drop(true).spawn()
    }
}

/// `$VISUAL`, else `$EDITOR`, else vi.
pub fn editor() -> String {
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(|name| std::env::var(name).ok());
    named
        .map(|value| value.trim().to_owned())
        .find(|value| !value.is_empty())
        .unwrap_or_else(|| USUAL_EDITOR.to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn a_copy_is_private_says_that_it_is_one_and_goes_away() {
        let copy = Copy::of("Pod ml/../train-0", "kind: Pod\n").expect("a copy");
        let (path, folder) = (copy.path(), copy.folder.path().to_owned());
        let mode = |path: &Path| fs::metadata(path).expect("metadata").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
        assert_eq!(path.parent(), Some(folder.as_path()));
        assert!(fs::read_to_string(&path).expect("text").ends_with("not applied.\nkind: Pod\n"));
        assert!(!copy.is_changed());
        fs::write(&path, "kind: Job\n").expect("written");
        assert!(copy.is_changed());
        drop(copy);
        assert!(!path.exists() && !folder.exists());
    }
}
