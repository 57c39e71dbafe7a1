//! Runs a command beside a PostgreSQL server, with `DATABASE_URL` naming an
//! empty database on it and `GREFFE_TEST_DATABASE_URL` the server itself.
//!
//! For tests and for the offline data of the query macros: it needs no crate
//! whose queries are just being changed.

use std::{
    io::{Write, stderr},
    path::PathBuf,
    process::{ExitCode, ExitStatus},
};

use postgres::{Server, Settings, StartError};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::{
    process::{Child, Command},
    signal::unix::{SignalKind, signal},
};

const USAGE: &str = "usage: with-postgres [--data-dir DIR] [--schema FILE]... -- COMMAND...

  --data-dir DIR  where the server keeps its data (default: target/test-postgres)
  --schema FILE   SQL to run in the database first, in the order given";

#[derive(Debug, PartialEq, Eq)]
struct Arguments {
    data_dir: PathBuf,
    schema: Vec<PathBuf>,
    command: Vec<String>,
}

/// Why the command was not run.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{USAGE}")]
    Usage,
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("`{path}` does not apply")]
    Schema { path: PathBuf, source: Box<dyn std::error::Error> },
    #[error("cannot run `{command}`")]
    Command { command: String, source: std::io::Error },
    #[error("the database does not answer as it should")]
    Database(#[from] sqlx::Error),
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(std::env::args().skip(1)).await {
        // A command ended by a signal has no code: 1 is as good as any.
        Ok(status) => status
            .code()
            .and_then(|it| u8::try_from(it).ok())
            .map_or(ExitCode::FAILURE, ExitCode::from),
        Err(error) => {
            say(&error);
            ExitCode::from(2)
        }
    }
}

async fn run(arguments: impl Iterator<Item = String>) -> Result<ExitStatus, Error> {
    let arguments = parse(arguments).ok_or(Error::Usage)?;
    let server = Server::start(&Settings::new(&arguments.data_dir)).await?;
    let outcome = run_beside(&server, &arguments).await;
    server.stop().await?;
    outcome
}

async fn run_beside(server: &Server, arguments: &Arguments) -> Result<ExitStatus, Error> {
    let database = format!("with_postgres_{}", std::process::id());
    let mut admin = PgConnection::connect(&server.url("postgres")).await?;
    // A process of the same number may have been killed here before.
    drop_database(&mut admin, &database).await?;
    server.create_database_if_missing(&database).await?;
    let url = server.url(&database);
    for path in &arguments.schema {
        apply(path, &url).await?;
    }
    let (program, rest) = arguments.command.split_first().ok_or(Error::Usage)?;
    let mut command = Command::new(program);
    command.args(rest);
    command.env("DATABASE_URL", &url);
    command.env("GREFFE_TEST_DATABASE_URL", server.url("postgres"));
    let outcome =
        wait(command).await.map_err(|source| Error::Command { command: program.clone(), source });
    drop_database(&mut admin, &database).await?;
    outcome
}

/// Waits for the command, whatever signals come: a Ctrl-C reaches it, too, and
/// the server must still be stopped after it. A termination is passed on.
async fn wait(mut command: Command) -> std::io::Result<ExitStatus> {
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let mut child = command.spawn()?;
    loop {
        tokio::select! {
            status = child.wait() => return status,
            _ = interrupted.recv() => {}
            _ = terminated.recv() => terminate(&child)?,
        }
    }
}

fn terminate(child: &Child) -> std::io::Result<()> {
    let pid = child.id().and_then(|it| i32::try_from(it).ok()).and_then(Pid::from_raw);
    // No number: it has ended already.
    pid.map_or(Ok(()), |it| Ok(kill_process(it, Signal::TERM)?))
}

async fn apply(path: &PathBuf, url: &str) -> Result<(), Error> {
    let fault = |source| Error::Schema { path: path.clone(), source };
    let text = std::fs::read_to_string(path).map_err(|it| fault(it.into()))?;
    let mut connection = PgConnection::connect(url).await?;
    let outcome = sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut connection).await;
    outcome.map_err(|it| fault(it.into()))?;
    Ok(connection.close().await?)
}

async fn drop_database(admin: &mut PgConnection, name: &str) -> Result<(), Error> {
    let statement = AssertSqlSafe(format!("drop database if exists {name} with (force)"));
    sqlx::raw_sql(statement).execute(admin).await?;
    Ok(())
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Option<Arguments> {
    let mut data_dir = PathBuf::from("target/test-postgres");
    let mut schema = Vec::new();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--data-dir" => data_dir = arguments.next()?.into(),
            "--schema" => schema.push(arguments.next()?.into()),
            "--" => {
                let command: Vec<String> = arguments.collect();
                return (!command.is_empty()).then_some(Arguments { data_dir, schema, command });
            }
            _ => return None,
        }
    }
    None
}

/// One line with its causes. Nothing is left to do if even that cannot be
/// written.
fn say(error: &Error) {
    let mut line = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(it) = cause {
        line = format!("{line}: {it}");
        cause = it.source();
    }
    writeln!(stderr(), "with-postgres: {line}").ok();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Option<Arguments> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn everything_after_the_dashes_is_the_command() {
        let arguments = parsed("--data-dir d --schema a --schema b -- run --schema c").unwrap();
        assert_eq!(arguments.data_dir, PathBuf::from("d"));
        assert_eq!(arguments.schema, [PathBuf::from("a"), PathBuf::from("b")]);
        assert_eq!(arguments.command, ["run", "--schema", "c"]);
    }

    #[test]
    fn a_line_that_makes_no_sense_is_refused() {
        for line in ["", "--", "run", "--schema", "--schema a", "--what -- run"] {
            assert_eq!(parsed(line), None, "{line}");
        }
    }
}
