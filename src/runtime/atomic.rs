//! Writes of whole files: atomic where the file is a regular one, in place where it is a device or a pipe.

use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Mode of a new file: the user alone can read it.
const NEW_FILE_MODE: u32 = 0o600;

/// Bits of a mode that are kept of an existing file.
const MODE_BITS: u32 = 0o777;

/// Most symbolic links that are followed, as many as Linux does.
const MAX_LINKS: usize = 40;

/// Replaces the content of a regular file, or creates it with mode 0600: a temporary file beside it is written and
/// renamed. Symbolic links are followed, so that a link stays a link. An existing file keeps its mode.
///
/// # Errors
/// When the file cannot be written, or is something else than a regular file.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let target = target(path)?;
    let mode = match fs::metadata(&target) {
        Ok(known) if known.is_file() => known.permissions().mode() & MODE_BITS,
        Ok(_) => return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => NEW_FILE_MODE,
        Err(error) => return Err(error),
    };
    let mut beside = temporary(folder(&target))?;
    beside.write_all(bytes)?;
    beside.as_file().set_permissions(Permissions::from_mode(mode))?;
    beside.as_file().sync_all()?;
    beside.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

/// Creates a file with mode 0600 that is not there yet, whole or not at all.
///
/// # Errors
/// When there is something of this name already, or the file cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = temporary(folder(path))?;
    beside.write_all(bytes)?;
    beside.as_file().sync_all()?;
    beside.persist_noclobber(path).map_err(|error| error.error)?;
    Ok(())
}

/// A temporary file in a folder. Its name is random and the file must not exist yet, so that nobody can put a link in its
/// way; only the user can read it.
fn temporary(folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    tempfile::Builder::new().prefix(".batchtop-").suffix(".tmp").tempfile_in(folder)
}

/// Replaces a file in a folder of batchtop's own, as [`write_atomically`] does. A folder that does not exist yet is
/// created.
///
/// # Errors
/// Those of [`write_atomically`], and when the folder cannot be created.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    create_private_folder(folder(path))?;
    write_atomically(path, bytes)
}

/// Creates a folder, and those above it, that only the user can enter; one that exists keeps its mode.
///
/// # Errors
/// When it cannot be created.
pub fn create_private_folder(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

/// Writes a document to the path that the user named. A device or a pipe is written in place, because replacing it by
/// a file would take it away from all other programs; a regular file is written by [`write_atomically`].
///
/// # Errors
/// When it cannot be written, or is a socket or a folder.
pub fn write_output(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::metadata(path).map(|known| known.file_type()) {
        Ok(kind) if kind.is_socket() => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is a socket")),
        Ok(kind) if kind.is_dir() => Err(io::Error::from(io::ErrorKind::IsADirectory)),
        Ok(kind) if !kind.is_file() || is_open_descriptor(path) => write_in_place(path, bytes),
        _ => write_atomically(path, bytes),
    }
}

/// Whether the path is a file that is open already (`/dev/stdout`, `/dev/fd/3`), which its owner may go on with.
fn is_open_descriptor(path: &Path) -> bool {
    let of_descriptors = |path: &Path| {
        let folder = fs::canonicalize(folder(path)).unwrap_or_default();
        folder.starts_with("/proc") || folder == Path::new("/dev/fd")
    };
    of_descriptors(path) || fs::read_link(path).is_ok_and(|to| of_descriptors(&folder(path).join(to)))
}

fn write_in_place(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).open(path)?;
    file.write_all(bytes)?;
    file.flush()
}

/// Where symbolic links lead to, also if nothing is there yet.
fn target(path: &Path) -> io::Result<PathBuf> {
    let mut target = path.to_owned();
    for _ in 0..MAX_LINKS {
        match fs::read_link(&target) {
            Ok(next) => target = folder(&target).join(next),
            Err(_) => return Ok(target),
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, format!("more than {MAX_LINKS} symbolic links")))
}

/// The folder of a path; `.` for a bare name.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::thread;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("metadata").permissions().mode() & 0o777
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).expect("the folder").count()
    }

    #[test]
    fn a_new_file_is_private_and_an_existing_one_keeps_its_mode() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.json");
        write_atomically(&path, b"old").expect("written");
        assert_eq!(mode(&path), 0o600);
        fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("another mode");
        write_atomically(&path, b"new").expect("written");
        assert_eq!((fs::read(&path).expect("the file"), mode(&path)), (b"new".to_vec(), 0o644));
        assert_eq!(names(folder.path()), 1, "nothing else is left");
    }

    #[test]
    fn a_failed_write_leaves_no_temporary_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("taken");
        fs::create_dir(&path).expect("a folder in its place");
        assert!(write_atomically(&path, b"new").is_err() && write_output(&path, b"new").is_err());
        assert_eq!((names(folder.path()), names(&path)), (1, 0));
    }

    #[test]
    fn writing_through_a_symlink_keeps_the_link_and_writes_its_target() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("inner")).expect("a folder");
        symlink("inner/file", at("second")).expect("a link");
        symlink("second", at("first")).expect("a link");
        for text in ["created through the links", "replaced through the links"] {
            write_output(&at("first"), text.as_bytes()).expect("written");
            assert_eq!(fs::read_to_string(at("inner/file")).expect("the target"), text);
            assert!(at("first").is_symlink() && at("second").is_symlink());
        }
        symlink("circle", at("circle")).expect("a link");
        assert!(write_output(&at("circle"), b"x").is_err());
    }

    #[test]
    fn a_link_with_the_name_of_a_temporary_file_is_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        fs::write(at("victim"), "precious").expect("a file");
        for name in [format!("out.{}.tmp", std::process::id()), "out.tmp".to_owned()] {
            symlink(at("victim"), at(&name)).expect("a link");
        }
        write_output(&at("out"), b"new").expect("written");
        assert_eq!(fs::read_to_string(at("victim")).expect("the victim"), "precious");
        assert!(!at("out").is_symlink());
    }

    #[test]
    fn pipes_and_devices_are_written_in_place_and_sockets_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let made = Command::new("mkfifo").arg(at("fifo")).status().expect("mkfifo runs");
        assert!(made.success());
        let fifo = at("fifo");
        let reader = thread::spawn(move || {
            let mut text = String::new();
            File::open(fifo).and_then(|mut file| file.read_to_string(&mut text)).map(|_| text)
        });
        // With the FIFO replaced by a file, the reader would wait for ever.
        write_output(&at("fifo"), b"through the pipe").expect("written");
        assert!(fs::metadata(at("fifo")).expect("metadata").file_type().is_fifo());
        assert_eq!(reader.join().expect("a reader").expect("a text"), "through the pipe");
        symlink("/dev/null", at("device")).expect("a link");
        write_output(&at("device"), b"x").expect("written");
        assert!(at("device").is_symlink());
        let _socket = UnixListener::bind(at("socket")).expect("a socket");
        let refused = write_output(&at("socket"), b"x").expect_err("refused");
        assert_eq!(refused.to_string(), "it is a socket");
        assert!(write_atomically(&at("fifo"), b"x").is_err());
    }

    #[test]
    fn an_open_file_descriptor_is_appended_to_and_not_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("log");
        fs::write(&path, "before\n").expect("a file");
        let open = OpenOptions::new().append(true).open(&path).expect("open");
        write_output(Path::new(&format!("/dev/fd/{}", open.as_raw_fd())), b"after\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("the file"), "before\nafter\n");
    }
}
