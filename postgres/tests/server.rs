//! The server through good and bad days, on folders of its own.
#![expect(clippy::unwrap_used, reason = "in a test, a panic is the verdict")]

#[path = "server/folder.rs"]
mod folder;

use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use folder::TemporaryFolder;
use postgres::{Server, Settings, StartError, check_durability};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

const WITH_POSTGRES: &str = env!("CARGO_BIN_EXE_with-postgres");

async fn start(data_dir: &Path) -> Result<Server, StartError> {
    let patience = Duration::from_mins(1);
    Server::start(&Settings { patience, ..Settings::new(data_dir) }).await
}

async fn ask(url: &str, statement: &str) -> String {
    let mut connection = PgConnection::connect(url).await.unwrap();
    sqlx::query_scalar(AssertSqlSafe(statement.to_owned()))
        .fetch_one(&mut connection)
        .await
        .unwrap()
}

async fn answers(url: &str) -> bool {
    PgConnection::connect(url).await.is_ok()
}

/// The first line of `postmaster.pid`.
fn pid(data_dir: &Path) -> i32 {
    let text = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).unwrap();
    text.lines().next().unwrap().parse().unwrap()
}

/// The fourth.
fn port(data_dir: &Path) -> u16 {
    let text = fs::read_to_string(data_dir.join("cluster/postmaster.pid")).unwrap();
    text.lines().nth(3).unwrap().parse().unwrap()
}

fn kill(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
}

/// Another process that uses the server until its standard input closes.
fn companion(data_dir: &Path) -> Child {
    let mut child = Command::new(WITH_POSTGRES)
        .arg("--data-dir")
        .arg(data_dir)
        .args(["--", "sh", "-c", "echo ready; read _"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "ready\n");
    child
}

#[tokio::test]
async fn what_was_written_is_there_after_a_stop_and_a_start() {
    let folder = TemporaryFolder::new();
    let server = start(folder.path()).await.unwrap();
    server.create_database_if_missing("mine").await.unwrap();
    server.create_database_if_missing("mine").await.unwrap();
    let url = server.url("mine");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("create table kept as select 'here' as mark")
        .execute(&mut connection)
        .await
        .unwrap();
    server.stop().await.unwrap();
    assert!(!answers(&url).await);

    let server = start(folder.path()).await.unwrap();
    assert!(!server.adopted());
    assert_eq!(ask(&server.url("mine"), "select mark from kept").await, "here");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_whose_owner_was_killed_is_adopted() {
    let folder = TemporaryFolder::new();
    let mut owner = companion(folder.path());
    let before = pid(folder.path());
    owner.kill().unwrap();
    owner.wait().unwrap();

    let server = start(folder.path()).await.unwrap();
    assert!(server.adopted());
    assert_eq!(pid(folder.path()), before);
    let url = server.url("postgres");
    assert!(answers(&url).await);
    server.stop().await.unwrap();
    assert!(!answers(&url).await);
}

#[tokio::test]
async fn a_server_that_was_killed_recovers_though_its_number_was_given_to_another() {
    let folder = TemporaryFolder::new();
    let mut server = start(folder.path()).await.unwrap();
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    sqlx::raw_sql("create table kept as select 'here' as mark")
        .execute(&mut connection)
        .await
        .unwrap();
    let dead = pid(folder.path());
    kill(dead);
    server.ended().await;
    drop(server);
    // The pid file stays, and names a process that lives: this one.
    let file = folder.path().join("cluster/postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen(&dead.to_string(), &std::process::id().to_string(), 1)).unwrap();

    let server = start(folder.path()).await.unwrap();
    assert!(!server.adopted());
    assert_eq!(ask(&server.url("postgres"), "select mark from kept").await, "here");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn the_pid_file_of_a_stranger_is_left_alone_while_others_use_the_folder() {
    let folder = TemporaryFolder::new();
    let mut server = start(folder.path()).await.unwrap();
    let dead = pid(folder.path());
    kill(dead);
    server.ended().await;
    let file = folder.path().join("cluster/postmaster.pid");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen(&dead.to_string(), &std::process::id().to_string(), 1)).unwrap();

    assert!(matches!(start(folder.path()).await, Err(StartError::InUse(_))));
    assert!(file.exists());
}

#[tokio::test]
async fn a_server_that_was_killed_comes_back_where_it_was_for_all_its_users() {
    let folder = TemporaryFolder::new();
    let mut first = start(folder.path()).await.unwrap();
    let mut second = start(folder.path()).await.unwrap();
    let url = first.url("postgres");
    let mut connection = PgConnection::connect(&url).await.unwrap();
    sqlx::raw_sql("create table kept as select 'here' as mark")
        .execute(&mut connection)
        .await
        .unwrap();
    kill(pid(folder.path()));
    first.ended().await;
    second.ended().await;

    let (one, other) = tokio::join!(first.revive(), second.revive());
    one.unwrap();
    other.unwrap();
    assert!(first.adopted() != second.adopted(), "one starts it, the other adopts it");
    assert_eq!(second.url("postgres"), url);
    assert_eq!(ask(&url, "select mark from kept").await, "here");
    first.stop().await.unwrap();
    assert!(answers(&url).await);
    second.stop().await.unwrap();
    assert!(!answers(&url).await);
}

#[tokio::test]
async fn data_that_is_gone_is_not_replaced_by_an_empty_cluster() {
    let folder = TemporaryFolder::new();
    let mut server = start(folder.path()).await.unwrap();
    kill(pid(folder.path()));
    server.ended().await;
    let cluster = folder.path().join("cluster");
    fs::rename(&cluster, folder.path().join("unmounted")).unwrap();
    let error = server.revive().await.unwrap_err();
    assert!(matches!(error, StartError::File { .. }), "{error}");
    assert!(!cluster.exists());
}

#[tokio::test]
async fn a_server_that_came_back_elsewhere_is_not_taken_for_the_one_that_was() {
    let folder = TemporaryFolder::new();
    let mut first = start(folder.path()).await.unwrap();
    let port = port(folder.path());
    kill(pid(folder.path()));
    first.ended().await;
    let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let second = start(folder.path()).await.unwrap();
    assert!(!second.adopted());
    let error = first.revive().await.unwrap_err();
    assert!(matches!(error, StartError::Moved { port: it, .. } if it == port), "{error}");
    drop((taken, first));
    second.stop().await.unwrap();
}

#[tokio::test]
async fn those_who_share_a_server_leave_it_to_the_last_of_them_to_stop() {
    let folder = TemporaryFolder::new();
    let first = start(folder.path()).await.unwrap();
    let mut other = companion(folder.path());
    let second = start(folder.path()).await.unwrap();
    assert!(second.adopted());
    let url = second.url("postgres");
    first.stop().await.unwrap();
    assert!(answers(&url).await);
    second.stop().await.unwrap();
    assert!(answers(&url).await);
    drop(other.stdin.take());
    other.wait().unwrap();
    assert!(!answers(&url).await);
}

#[tokio::test]
async fn a_folder_where_another_process_is_about_to_start_is_in_use() {
    let folder = TemporaryFolder::new();
    start(folder.path()).await.unwrap().stop().await.unwrap();
    let turn = fs::File::open(folder.path().join("turn.lock")).unwrap();
    turn.lock().unwrap();
    let settings = Settings { patience: Duration::ZERO, ..Settings::new(folder.path()) };
    assert!(matches!(Server::start(&settings).await, Err(StartError::InUse(_))));
}

#[tokio::test]
async fn a_server_that_could_lose_what_it_acknowledged_is_refused_and_stopped() {
    let folder = TemporaryFolder::new();
    start(folder.path()).await.unwrap().stop().await.unwrap();
    let path = folder.path().join("cluster/postgresql.conf");
    let good = fs::read_to_string(&path).unwrap();
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        fs::write(&path, format!("{good}\n{setting} = off\n")).unwrap();
        let error = start(folder.path()).await.unwrap_err();
        assert!(error.to_string().contains(&format!("`{setting} = off`")), "{error}");
        assert!(!folder.path().join("cluster/postmaster.pid").exists());
    }
    fs::write(&path, good).unwrap();
    let server = start(folder.path()).await.unwrap();
    check_durability(&server.url("postgres")).await.unwrap();
    server.stop().await.unwrap();
}

#[tokio::test]
async fn nobody_gets_in_without_the_password() {
    let folder = TemporaryFolder::new();
    let server = start(folder.path()).await.unwrap();
    let password = folder.path().join("password");
    let mode = fs::metadata(&password).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let url = server.url("postgres");
    assert!(!answers(&url.replace(fs::read_to_string(password).unwrap().trim(), "guess")).await);
    assert!(answers(&url).await);
    assert_eq!(ask(&url, "show listen_addresses").await, "127.0.0.1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_cluster_that_was_never_finished_is_made_anew() {
    let folder = TemporaryFolder::new();
    fs::create_dir_all(folder.path().join("cluster.unfinished")).unwrap();
    fs::write(folder.path().join("cluster.unfinished/PG_VERSION"), "junk").unwrap();
    fs::write(folder.path().join("password"), "old").unwrap();
    start(folder.path()).await.unwrap().stop().await.unwrap();
    assert!(!folder.path().join("cluster.unfinished").exists());
}

#[tokio::test]
async fn data_of_a_version_that_is_not_installed_is_not_touched() {
    let folder = TemporaryFolder::new();
    fs::create_dir_all(folder.path().join("cluster")).unwrap();
    fs::write(folder.path().join("cluster/PG_VERSION"), "9\n").unwrap();
    let error = start(folder.path()).await.unwrap_err();
    assert!(matches!(error, StartError::OtherVersion { wanted: 9, .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path().join("cluster")).unwrap().count(), 1);
}

/// For root, a parent that is closed to others is closed to the server's user.
/// For everybody else it is as good as any.
#[tokio::test]
async fn data_for_a_closed_place_is_kept_in_an_open_one_behind_a_link() {
    let folder = TemporaryFolder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
    let wanted = folder.path().join("data");
    let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;

    let server = start(&wanted).await.unwrap();
    let kept = server.folder().to_path_buf();
    assert_eq!(kept.starts_with("/var/lib/greffe"), is_root);
    assert_eq!(wanted.is_symlink(), is_root);
    assert_eq!(wanted.canonicalize().unwrap(), kept);
    server.stop().await.unwrap();
    let server = start(&wanted).await.unwrap();
    assert_eq!(server.folder(), kept);
    server.stop().await.unwrap();
    fs::remove_dir_all(kept).unwrap();
}

#[tokio::test]
async fn an_existing_folder_out_of_reach_is_refused_by_name() {
    let folder = TemporaryFolder::new();
    let (parent, data) = (folder.path().join("closed"), folder.path().join("closed/data"));
    fs::create_dir_all(&data).unwrap();
    let is_root = fs::metadata(&data).unwrap().uid() == 0;
    let closed = if is_root { 0o700 } else { 0o000 };
    fs::set_permissions(&parent, fs::Permissions::from_mode(closed)).unwrap();
    let error = start(&data).await.unwrap_err();
    fs::set_permissions(&parent, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(error.to_string().contains("closed"), "{error}");
    assert_eq!(matches!(error, StartError::Unreachable { .. }), is_root, "{error}");
}

#[test]
fn a_command_sees_its_schema_and_hands_back_its_status() {
    let folder = TemporaryFolder::new();
    let schema = folder.path().join("schema.sql");
    fs::write(&schema, "create table one (id int); create table two (id int);").unwrap();
    let status = |schema: &Path, command: &str| {
        let mut it = Command::new(WITH_POSTGRES);
        it.arg("--data-dir").arg(folder.path().join("data")).arg("--schema").arg(schema);
        it.args(["--", "sh", "-c", command]).output().unwrap()
    };
    let answer = status(&schema, "test -n \"$DATABASE_URL\" -a -n \"$GREFFE_TEST_DATABASE_URL\"");
    assert_eq!(answer.status.code(), Some(0));
    assert_eq!(status(&schema, "exit 7").status.code(), Some(7));
    fs::write(&schema, "create table one (id int);\nselect wrong;").unwrap();
    let answer = status(&schema, "exit 0");
    assert_eq!(answer.status.code(), Some(2));
    let said = String::from_utf8(answer.stderr).unwrap();
    assert!(said.contains("schema.sql") && said.contains("wrong"), "{said}");
    assert!(!folder.path().join("data/cluster/postmaster.pid").exists());
}

#[test]
fn a_wrong_folder_of_binaries_is_named() {
    let folder = TemporaryFolder::new();
    let answer = Command::new(WITH_POSTGRES)
        .env("GREFFE_POSTGRES_BIN", "/nowhere")
        .arg("--data-dir")
        .arg(folder.path())
        .args(["--", "true"])
        .output()
        .unwrap();
    assert_eq!(answer.status.code(), Some(2));
    let said = String::from_utf8(answer.stderr).unwrap();
    assert!(said.contains("GREFFE_POSTGRES_BIN is `/nowhere`"), "{said}");
}

#[test]
fn a_command_that_is_told_to_end_leaves_no_server_behind() {
    let folder = TemporaryFolder::new();
    let mut owner = companion(folder.path());
    let process = Pid::from_child(&owner);
    kill_process(process, Signal::TERM).unwrap();
    assert!(!owner.wait().unwrap().success());
    assert!(!folder.path().join("cluster/postmaster.pid").exists());
}
