//! Reads files that others wrote: whole, up to a size, and never for ever.
//!
//! Everything that batchtop reads from disk goes through [`read`] or [`read_text`]: a link to `/dev/zero` would
//! otherwise take all memory, and a pipe in which nothing comes would hold the program before anything is shown.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;

/// How long a pipe may take to give everything; whoever fills it may have to sign in first.
pub const PIPE_WAIT: Duration = Duration::from_secs(30);

/// Reads as empty, as everywhere: `--kubeconfig /dev/null` means none.
const NULL: &str = "/dev/null";

/// How much is read from a pipe at a time.
const CHUNK_BYTES: usize = 16 * 1024;

/// The content of a regular file or a pipe.
///
/// # Errors
/// When it cannot be read, is larger than `max_bytes`, is neither file nor pipe, or is a pipe that is not closed within
/// [`PIPE_WAIT`].
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    read_within(path, max_bytes, PIPE_WAIT)
}

/// The content of a regular file or a pipe as text.
///
/// # Errors
/// Those of [`read`], and when it is not UTF-8.
pub fn read_text(path: &Path, max_bytes: u64) -> io::Result<String> {
    String::from_utf8(read(path, max_bytes)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8 text"))
}

/// Whether the path is a pipe, which can be read only once.
pub fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|known| known.file_type().is_fifo())
}

fn read_within(path: &Path, max_bytes: u64, pipe_wait: Duration) -> io::Result<Vec<u8>> {
    if fs::canonicalize(path).is_ok_and(|path| path == Path::new(NULL)) {
        return Ok(Vec::new());
    }
    // Before it is opened, because to open a device can do something.
    refuse_others(fs::metadata(path)?.file_type())?;
    // Without NONBLOCK, to open a pipe would wait for the other end.
    let file = OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(path)?;
    let kind = file.metadata()?.file_type();
    refuse_others(kind)?;
    let mut bytes = Vec::new();
    if kind.is_fifo() {
        read_pipe(file, &mut bytes, max_bytes, pipe_wait)?;
    } else {
        file.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
        check_size(&bytes, max_bytes)?;
    }
    Ok(bytes)
}

fn refuse_others(kind: FileType) -> io::Result<()> {
    if kind.is_file() || kind.is_fifo() {
        return Ok(());
    }
    if kind.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let what = if kind.is_socket() { "it is a socket" } else { "it is a device" };
    Err(io::Error::new(io::ErrorKind::InvalidInput, what))
}

fn check_size(bytes: &[u8], max_bytes: u64) -> io::Result<()> {
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {max_bytes} bytes")));
    }
    Ok(())
}

/// Reads until every writer has closed the pipe. Reading nothing means the end only if there has been a writer.
fn read_pipe(mut pipe: File, bytes: &mut Vec<u8>, max_bytes: u64, wait: Duration) -> io::Result<()> {
    let began = Instant::now();
    let mut chunk = [0; CHUNK_BYTES];
    let mut had_writer = false;
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) if had_writer => return Ok(()),
            Ok(0) => {}
            Ok(count) => {
                had_writer = true;
                bytes.extend_from_slice(&chunk[..count]);
                check_size(bytes, max_bytes)?;
                if began.elapsed() < wait {
                    continue;
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        let left = wait.saturating_sub(began.elapsed());
        if left.is_zero() {
            let message = format!("it is a pipe that was not closed within {} s", wait.as_secs_f64());
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        had_writer |= wait_for_input(&pipe, left)?;
    }
}

/// Waits until something can be read or the time is over; whether the last writer has closed the pipe.
fn wait_for_input(pipe: &File, wait: Duration) -> io::Result<bool> {
    let mut fds = [PollFd::new(pipe, PollFlags::IN)];
    match poll(&mut fds, Timespec::try_from(wait).ok().as_ref()) {
        Ok(_) => Ok(fds[0].revents().contains(PollFlags::HUP)),
        Err(rustix::io::Errno::INTR) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;
    use std::process::Command;
    use std::thread;

    use super::*;

    const SOON: Duration = Duration::from_millis(100);
    const LATE: Duration = Duration::from_mins(1);

    fn pipe(folder: &Path) -> std::path::PathBuf {
        let path = folder.join("pipe");
        assert!(Command::new("mkfifo").arg(&path).status().expect("mkfifo runs").success());
        path
    }

    #[test]
    fn a_file_over_the_size_limit_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        fs::write(&path, "12345").expect("written");
        assert_eq!(read(&path, 5).expect("read"), b"12345");
        let error = read(&path, 4).expect_err("too large");
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        fs::write(&path, b"\xff").expect("written");
        assert_eq!(read_text(&path, 5).expect_err("no text").kind(), io::ErrorKind::InvalidData);
        assert_eq!(read(&folder.path().join("none"), 5).expect_err("missing").kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn devices_sockets_and_folders_are_refused_but_the_null_device_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let link = folder.path().join("link");
        symlink("/dev/zero", &link).expect("a link");
        assert_eq!(read(&link, 1 << 20).expect_err("endless").to_string(), "it is a device");
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        assert_eq!(read(&socket, 9).expect_err("no file").to_string(), "it is a socket");
        assert_eq!(read(folder.path(), 9).expect_err("a folder").kind(), io::ErrorKind::IsADirectory);
        assert_eq!(read(Path::new(NULL), 9).expect("empty"), b"");
    }

    #[test]
    fn a_pipe_is_read_until_it_is_closed_and_may_be_filled_late_and_in_pieces() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = pipe(folder.path());
        let other_end = path.clone();
        let writer = thread::spawn(move || {
            thread::sleep(SOON);
            let mut pipe = OpenOptions::new().write(true).open(other_end).expect("the pipe");
            pipe.write_all(b"one ").expect("written");
            thread::sleep(SOON);
            pipe.write_all(b"two").expect("written");
        });
        assert_eq!(read_within(&path, 100, LATE).expect("read"), b"one two");
        writer.join().expect("the writer");
        assert!(is_pipe(&path));
    }

    #[test]
    fn a_pipe_that_is_closed_empty_is_empty() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = pipe(folder.path());
        let other_end = path.clone();
        let writer = thread::spawn(move || {
            thread::sleep(SOON);
            drop(OpenOptions::new().write(true).open(other_end));
        });
        assert_eq!(read_within(&path, 100, LATE).expect("read"), b"");
        writer.join().expect("the writer");
    }

    #[test]
    fn a_pipe_that_stays_empty_or_open_times_out() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = pipe(folder.path());
        assert_eq!(read_within(&path, 100, SOON).expect_err("nothing").kind(), io::ErrorKind::TimedOut);
        // Open in both directions, so that to open it does not wait for a reader.
        let mut writer = OpenOptions::new().read(true).write(true).open(&path).expect("the pipe");
        writer.write_all(b"and then nothing").expect("written");
        assert_eq!(read_within(&path, 100, SOON).expect_err("never closed").kind(), io::ErrorKind::TimedOut);
        writer.write_all(&[0; 200]).expect("written");
        assert_eq!(read_within(&path, 100, LATE).expect_err("too much").kind(), io::ErrorKind::FileTooLarge);
    }
}
