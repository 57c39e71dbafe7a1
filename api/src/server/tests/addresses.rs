//! Guesses are counted by the address that they come from: over real sockets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

use crate::{
    Api, Settings,
    graphql::tests::world::World,
    server::{ServeError, serve},
};

const ADA: &str = "ada@example.org";

/// Who asks, and what their request says of it.
#[derive(Clone, Copy)]
struct Sender {
    peer: Ipv4Addr,
    header: &'static str,
}

fn from(host: u8) -> Sender {
    Sender { peer: Ipv4Addr::new(127, 0, 0, host), header: "" }
}

struct Serving {
    world: World,
    address: SocketAddr,
    _tasks: JoinSet<Result<(), ServeError>>,
}

impl Serving {
    async fn trusting(proxies: &[&str]) -> Self {
        let world = World::new().await;
        world.person("ada", identity::Role::Member).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let trusted_proxies = proxies.iter().map(|it| it.parse().unwrap()).collect();
        let settings = Settings { trusted_proxies, ..Settings::default() };
        let api = Api { settings, ..world.api() };
        let mut tasks = JoinSet::new();
        tasks.spawn(serve(listener, api, CancellationToken::new()));
        Self { world, address, _tasks: tasks }
    }

    /// Status, headers and body, from an address of this machine.
    async fn post(&self, sender: Sender, head: &str, body: &str) -> (String, String) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(IpAddr::V4(sender.peer), 0)).unwrap();
        let mut connection = socket.connect(self.address).await.unwrap();
        let (length, header) = (body.len(), sender.header);
        let request = format!(
            "POST {head}\r\nhost: greffe\r\nconnection: close\r\ncontent-length: {length}\r\n\
             {header}\r\n{body}"
        );
        connection.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.to_owned(), body.to_owned())
    }

    /// The code of the user error, or none.
    async fn sign_in(&self, sender: Sender, email: &str, password: &str) -> Option<String> {
        let query = "mutation($email: String!, $password: String!) {
            signIn(input: { email: $email, password: $password }) { userErrors { code retryAt } } }";
        let variables = json!({ "email": email, "password": password });
        let body = json!({ "query": query, "variables": variables }).to_string();
        let head = "/graphql HTTP/1.1\r\ncontent-type: application/json";
        let (_, body) = self.post(sender, head, &body).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        let errors = &answer["data"]["signIn"]["userErrors"];
        let code = errors[0]["code"].as_str().map(str::to_owned);
        assert_eq!(errors[0]["retryAt"].is_string(), code.as_deref() == Some("THROTTLED"));
        code
    }

    async fn guess(&self, sender: Sender, email: &str) -> Option<String> {
        self.sign_in(sender, email, "a wrong guess").await
    }

    async fn enter(&self, sender: Sender) -> Option<String> {
        self.sign_in(sender, ADA, "password of ada").await
    }
}

const INVALID: Option<&str> = Some("INVALID_CREDENTIALS");

const THROTTLED: Option<&str> = Some("THROTTLED");

#[tokio::test]
async fn who_guesses_is_kept_out_and_the_owner_comes_in_from_elsewhere() {
    let serving = Serving::trusting(&[]).await;
    for _ in 0..10 {
        assert_eq!(serving.guess(from(2), ADA).await.as_deref(), INVALID);
    }
    assert_eq!(serving.guess(from(2), ADA).await.as_deref(), THROTTLED);
    assert_eq!(serving.enter(from(2)).await.as_deref(), THROTTLED);
    assert_eq!(serving.enter(from(3)).await, None);
}

#[tokio::test]
async fn a_stranger_does_not_get_another_address_by_saying_so() {
    let serving = Serving::trusting(&["127.0.0.9"]).await;
    for guess in 0..10 {
        let header = ["x-forwarded-for: 192.0.2.1\r\n", "forwarded: for=192.0.2.2\r\n"][guess % 2];
        assert_eq!(serving.guess(Sender { header, ..from(2) }, ADA).await.as_deref(), INVALID);
    }
    let header = "x-forwarded-for: 192.0.2.3\r\n";
    assert_eq!(serving.enter(Sender { header, ..from(2) }).await.as_deref(), THROTTLED);
}

#[tokio::test]
async fn a_trusted_proxy_says_who_it_is() {
    let serving = Serving::trusting(&["10.0.0.0/8", "127.0.0.9"]).await;
    let through = |header| Sender { header, ..from(9) };
    for _ in 0..10 {
        // What stands before is the stranger's own.
        let header = "x-forwarded-for: 203.0.113.1, 192.0.2.1\r\n";
        assert_eq!(serving.guess(through(header), ADA).await.as_deref(), INVALID);
    }
    assert_eq!(
        serving.enter(through("x-forwarded-for: 192.0.2.1\r\n")).await.as_deref(),
        THROTTLED
    );
    assert_eq!(serving.enter(through("forwarded: for=192.0.2.1\r\n")).await.as_deref(), THROTTLED);
    assert_eq!(serving.enter(through("x-forwarded-for: 203.0.113.1\r\n")).await, None);
    assert_eq!(serving.enter(from(9)).await, None);
}

#[tokio::test]
async fn one_address_tries_no_thousand_accounts_nor_secrets() {
    let serving = Serving::trusting(&[]).await;
    for number in 0..100 {
        let email = format!("guess{number}@example.org");
        assert_eq!(serving.guess(from(2), &email).await.as_deref(), INVALID);
    }
    assert_eq!(serving.enter(from(2)).await.as_deref(), THROTTLED);
    let services = ["scan".to_owned()];
    let now = crate::graphql::tests::world::now();
    let quotas = identity::Quotas::default();
    let made = serving.world.sides.identity.create_client("shop", &services, quotas, now).await;
    let (client, secret) = made.unwrap();
    let token = async |sender, secret: &str| {
        let head = "/api/oauth/token HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded";
        let form =
            format!("grant_type=client_credentials&client_id={}&client_secret={secret}", client.id);
        let (head, _) = serving.post(sender, head, &form).await;
        head
    };
    // People and programs do not keep each other out.
    for _ in 0..100 {
        let head = token(from(2), "nonsense").await;
        assert!(head.starts_with("HTTP/1.1 401 "), "{head}");
    }
    let head = token(from(2), secret.expose()).await;
    assert!(head.starts_with("HTTP/1.1 429 ") && head.contains("\r\nretry-after: "), "{head}");
    let head = token(from(3), secret.expose()).await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
    assert_eq!(serving.enter(from(3)).await, None);
}
