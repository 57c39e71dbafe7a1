//! A connection to the database that has died without a word, as when its host is gone.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use identity::{Identity, Settings};
use serde_json::json;
use sqlx::postgres::{PgPoolOptions, PgSslMode};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::world::{PATIENCE, World, now};
use crate::accounts::{Endings, Keeper, Recording};

/// A way to the database. The first connection by which `last` is asked hears nothing more.
async fn way(to: SocketAddr, last: &'static [u8]) -> (SocketAddr, Arc<AtomicBool>, JoinSet<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, dead) = (listener.local_addr().unwrap(), Arc::new(AtomicBool::new(false)));
    let mut tasks = JoinSet::new();
    let died = Arc::clone(&dead);
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        loop {
            let (client, _) = listener.accept().await.unwrap();
            let server = TcpStream::connect(to).await.unwrap();
            connections.spawn(carry(client, server, last, Arc::clone(&died)));
        }
    });
    (address, dead, tasks)
}

async fn carry(
    mut client: TcpStream,
    mut server: TcpStream,
    last: &'static [u8],
    dead: Arc<AtomicBool>,
) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.split(), server.split());
    let asking = async {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            let said = &buffer[..length];
            let is_last = said.windows(last.len()).any(|it| it == last);
            if is_last && !dead.swap(true, Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            if to_server.write_all(said).await.is_err() {
                break;
            }
        }
    };
    let answering = tokio::io::copy(&mut from_server, &mut to_client);
    tokio::select! {
        () = asking => {}
        _ = answering => {}
    }
}

/// Must never: the sockets of a session that has ended stay open, since the one who tells them
/// waits for an answer that never comes.
#[tokio::test]
async fn a_session_ends_although_the_database_has_fallen_silent() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let options = world.database();
    let to = format!("{}:{}", options.get_host(), options.get_port());
    let to = tokio::net::lookup_host(to).await.unwrap().next().unwrap();
    let (address, dead, _way) = way(to, b"applied_version").await;
    let options = options.host("127.0.0.1").port(address.port()).ssl_mode(PgSslMode::Disable);
    let db = PgPoolOptions::new().max_connections(5).connect_with(options).await.unwrap();
    let (commands, feed) = (world.sides.commands.clone(), Arc::clone(&world.sides.feed));
    let recording = Arc::new(Recording { commands, feed: Arc::clone(&feed) });
    let keeper = Keeper {
        identity: Identity::connect(db, Settings::default(), recording, now()).await.unwrap(),
        feed,
        endings: Endings::default(),
        post: None,
        clock: Arc::new(now),
        round_takes_max: Duration::from_secs(1),
    };
    let ended = keeper.endings.of(ada.id, ada.signed_in.session);
    let mut tasks = JoinSet::new();
    let stop = world.stop.clone();
    tasks.spawn(async move { keeper.run(stop).await });
    world.data(&ada, "mutation { signOut { signedOut } }", json!({})).await;
    let told = tokio::time::timeout(PATIENCE, ended.cancelled()).await;
    assert!(dead.load(Ordering::SeqCst), "no connection has died");
    told.expect("nobody tells that the session has ended");
}
