//! Where others' files are read: in a process of their own, so that what brings
//! it down brings nobody else down, what it eats is bounded, and it can be
//! killed.
//!
//! The process is this program once more, as [`extract_text`]. It is given the
//! file on its standard input, answers on its standard output, and has nothing
//! else: no environment, no files, and only so much memory and time.

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::Duration,
};

use bytes::Bytes;
use rustix::process::{Resource, Rlimit, setrlimit};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::Command,
    time::timeout,
};

use super::{
    extract::{Parsed, SOURCE_BYTES_MAX, Unreadable, parsed},
    guard::{self, PROCESSES, Runaway, STACK_BYTES},
};

/// What the program is called with to read a file.
pub const EXTRACT_TEXT: &str = "extract-text";

/// How long a file may take.
const DEADLINE: Duration = Duration::from_mins(1);

/// How much memory reading a file may take, in bytes of addresses.
const MEMORY_BYTES: u64 = 2 * 1024 * 1024 * 1024;

/// How much is listened to of what is said about a file, in bytes.
const ANSWER_BYTES_MAX: u64 = 128 * 1024 * 1024;

/// Where others' files are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reader {
    /// In this process, on a thread: a panic stays there, but what overflows its
    /// stack or eats all memory is the end of the process.
    #[default]
    Here,
    /// By this program, which calls [`extract_text`] when it is called with
    /// [`EXTRACT_TEXT`].
    Apart(PathBuf),
}

/// Why a file was not read, through no fault of its own.
#[derive(Debug)]
pub(super) enum Unavailable {
    /// So many others are being read.
    NoPlace,
    /// No process can be started, or talked to.
    NoProcess(io::Error),
}

/// What is said about a file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Parsed(Parsed),
    Unreadable(Unreadable),
}

/// Reads a file, and says what is in it. For a process that does nothing else
/// and ends then.
pub fn extract_text(input: impl Read, mut output: impl Write) -> io::Result<()> {
    confine()?;
    let mut bytes = Vec::new();
    input.take(SOURCE_BYTES_MAX).read_to_end(&mut bytes)?;
    let parser =
        thread::Builder::new().stack_size(STACK_BYTES).spawn(move || parsed(bytes.into()))?;
    let answer = match parser.join() {
        Ok(Ok(parsed)) => Answer::Parsed(parsed),
        Ok(Err(unreadable)) => Answer::Unreadable(unreadable),
        Err(_) => Answer::Unreadable(Unreadable::Damaged),
    };
    serde_json::to_writer(&mut output, &answer)?;
    output.flush()
}

/// Gives up for good what reading a file does not need.
fn confine() -> io::Result<()> {
    let limits = [
        (Resource::As, MEMORY_BYTES),
        // Whoever waits kills it before that.
        (Resource::Cpu, 2 * DEADLINE.as_secs()),
        // What is in memory is somebody's.
        (Resource::Core, 0),
        (Resource::Fsize, 0),
        (Resource::Nofile, 0),
    ];
    for (resource, most) in limits {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

impl Reader {
    /// What is in a file. An error is no fault of the file's.
    pub(super) async fn parsed(
        &self,
        bytes: Bytes,
    ) -> Result<Result<Parsed, Unreadable>, Unavailable> {
        match self {
            Self::Here => match guard::run(move || parsed(bytes), DEADLINE).await {
                Ok(parsed) => Ok(parsed),
                Err(Runaway::Panicked) => Ok(Err(Unreadable::Damaged)),
                Err(Runaway::TooSlow) => Ok(Err(Unreadable::TooSlow)),
                Err(Runaway::NoPlace) => Err(Unavailable::NoPlace),
            },
            Self::Apart(program) => apart(program, bytes, DEADLINE).await,
        }
    }
}

async fn apart(
    program: &Path,
    bytes: Bytes,
    deadline: Duration,
) -> Result<Result<Parsed, Unreadable>, Unavailable> {
    let Ok(_place) = PROCESSES.place(deadline).await else { return Err(Unavailable::NoPlace) };
    match timeout(deadline, answer(program, bytes)).await {
        Ok(answer) => Ok(match answer.map_err(Unavailable::NoProcess)? {
            Some(Answer::Parsed(parsed)) => Ok(parsed),
            Some(Answer::Unreadable(unreadable)) => Err(unreadable),
            None => Err(Unreadable::Damaged),
        }),
        Err(_) => Ok(Err(Unreadable::TooSlow)),
    }
}

/// What is said about a file; nothing, if that is no answer. Whoever stops
/// waiting for it ends it.
async fn answer(program: &Path, bytes: Bytes) -> io::Result<Option<Answer>> {
    let mut process = Command::new(program)
        .arg(EXTRACT_TEXT)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
        return Err(io::Error::other("a process has no pipes"));
    };
    let give = async move {
        // One that has seen enough need not read to the end.
        let _unread = input.write_all(&bytes).await.is_err();
        drop(input);
        std::future::pending::<()>().await;
    };
    let mut said = Vec::new();
    let mut output = output.take(ANSWER_BYTES_MAX);
    tokio::select! {
        read = output.read_to_end(&mut said) => read?,
        () = give => 0,
    };
    Ok(serde_json::from_slice(&said).ok())
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use tempfile::TempDir;

    use super::{super::extract::Page, *};

    /// Long enough for the slowest machine, and never waited for in full.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// A program that does this instead of reading.
    fn program(script: &str) -> (TempDir, PathBuf) {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("program");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        (folder, path)
    }

    async fn read(script: &str, deadline: Duration) -> Result<Parsed, Unreadable> {
        let (_folder, program) = program(script);
        apart(&program, Bytes::from_static(b"%PDF-1.4"), deadline).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_answered_is_believed_and_what_is_no_answer_is_the_file_s_fault() {
        let said = r#"echo '{"parsed":{"pages":[{"number":1,"text":"un"}],"pages_unread":2}}'"#;
        let parsed = read(said, PATIENCE).await.unwrap();
        assert_eq!(parsed.pages, [Page { number: Some(1), text: "un".into() }]);
        assert_eq!((parsed.pages_unread, parsed.pages_cut), (2, 0));
        let said = r#"echo '{"unreadable":"encrypted"}'"#;
        assert_eq!(read(said, PATIENCE).await, Err(Unreadable::Encrypted));
        for dies in ["exit 1", "kill -SEGV $$", "echo '{\"parsed\":{\"pages\":['; kill -KILL $$"] {
            assert_eq!(read(dies, PATIENCE).await, Err(Unreadable::Damaged), "{dies}");
        }
    }

    #[tokio::test]
    async fn what_never_ends_is_killed() {
        let folder = TempDir::new().unwrap();
        let place = folder.path().join("pid");
        let script = format!("echo $$ > {}; exec /bin/sleep 1000", place.display());
        assert_eq!(read(&script, Duration::from_secs(2)).await, Err(Unreadable::TooSlow));
        let Ok(pid) = fs::read_to_string(&place) else { return };
        let process = PathBuf::from(format!("/proc/{}/stat", pid.trim()));
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        let gone = async {
            // A dead one that nobody has asked after yet is shown as `Z`.
            while fs::read_to_string(&process).is_ok_and(|it| !it.contains(") Z")) {
                ticks.tick().await;
            }
        };
        timeout(PATIENCE, gone).await.expect("it is killed");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_is_no_fault_of_the_file() {
        let program = Path::new("/nowhere/at/all");
        assert!(apart(program, Bytes::new(), PATIENCE).await.is_err());
    }

    #[tokio::test]
    async fn nothing_of_the_environment_is_handed_on() {
        let script =
            "/usr/bin/env | /bin/grep -q CARGO && exit 0; echo '{\"parsed\":{\"pages\":[]}}'";
        assert_eq!(read(script, PATIENCE).await, Ok(Parsed::default()));
    }
}
