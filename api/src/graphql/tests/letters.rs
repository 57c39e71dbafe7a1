//! Letters: written, sent by a real mail server, and used.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use identity::Admission;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

use super::world::{PATIENCE, Person, World, codes, now};
use crate::{
    accounts::{Endings, Keeper, Post, SmtpSettings},
    server::Settings,
};

const RESET: &str = "mutation($email: String!) {
    requestPasswordReset(input: { email: $email, language: FR }) { accepted userErrors { code } } }";

/// A mail server that keeps what it is given, and has its moods.
struct MailServer {
    url: String,
    mails: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl MailServer {
    /// Turns down the first `moods` connections.
    async fn start(moods: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let mails = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&mails);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut seen = 0;
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                seen += 1;
                if seen <= moods {
                    continue;
                }
                let mail = receive(stream).await;
                kept.lock().unwrap().push(mail);
            }
        });
        Self { url, mails, _serving: serving }
    }

    async fn eventually_has(&self, count: usize) -> Vec<String> {
        let has = async {
            while self.mails.lock().unwrap().len() < count {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, has).await.expect("the mail comes");
        self.mails.lock().unwrap().clone()
    }
}

/// One conversation: what was between `DATA` and the full stop.
async fn receive(mut stream: TcpStream) -> String {
    let (read, mut write) = stream.split();
    let mut lines = BufReader::new(read).lines();
    let (mut mail, mut in_data) = (String::new(), false);
    write.write_all(b"220 test\r\n").await.unwrap();
    while let Some(line) = lines.next_line().await.unwrap() {
        let answer: &[u8] = match line.as_str() {
            "." if in_data => {
                in_data = false;
                b"250 ok\r\n"
            }
            _ if in_data => {
                mail.push_str(&line);
                mail.push('\n');
                continue;
            }
            "DATA" => {
                in_data = true;
                b"354 go on\r\n"
            }
            "QUIT" => break,
            _ => b"250 ok\r\n",
        };
        write.write_all(answer).await.unwrap();
    }
    mail
}

/// What a letter brought, read as a mail program would.
fn token_in(mail: &str) -> String {
    let text = mail.replace("=\n", "").replace("=3D", "=");
    let (_, rest) = text.split_once("#token=").expect("a link");
    rest.split_whitespace().next().unwrap().to_owned()
}

/// A system whose letters go by this server.
async fn world(server: &MailServer, registration: Admission) -> (World, JoinSet<()>) {
    let world = World::admitting(Settings::default(), registration).await;
    let from = "Greffe <greffe@example.org>".to_owned();
    let smtp = SmtpSettings { url: server.url.clone(), from };
    let post = Post::by_smtp(&smtp, "https://greffe.example.org/").unwrap();
    let keeper = Keeper {
        identity: world.sides.identity.clone(),
        feed: Arc::clone(&world.sides.feed),
        endings: world.sides.endings.clone(),
        post: Some(post),
        clock: Arc::new(now),
        round_takes_max: PATIENCE,
    };
    let mut tasks = JoinSet::new();
    let stop = world.stop.clone();
    tasks.spawn(async move { keeper.run(stop).await });
    (world, tasks)
}

async fn public(world: &World, text: &str, variables: Value) -> Value {
    let mut answer = world.ask(None, text, variables).await;
    assert_eq!(codes(&answer), [""; 0], "{answer}");
    answer["data"].take()
}

#[tokio::test]
async fn a_forgotten_password_is_changed_by_a_letter_in_ones_language() {
    let server = MailServer::start(0).await;
    let (world, _tasks) = world(&server, Admission::Invited).await;
    let ada = world.person("ada", identity::Role::Member).await;
    let create =
        "mutation { createApiToken(input: { name: \"intruder\", scope: WRITE }) { token } }";
    let token = world.data(&ada, create, json!({})).await["createApiToken"]["token"].take();
    let intruder = Person { token: token.as_str().unwrap().to_owned(), ..ada.clone() };
    world.data(&intruder, "{ viewer { id } }", json!({})).await;
    let known = public(&world, RESET, json!({ "email": ada.email })).await;
    let unknown = public(&world, RESET, json!({ "email": "nobody@example.org" })).await;
    assert_eq!(known, unknown);
    assert_eq!(known["requestPasswordReset"], json!({ "accepted": true, "userErrors": [] }));
    let mails = server.eventually_has(1).await;
    assert!(mails[0].contains("To: ada@example.org"), "{}", mails[0]);
    assert!(mails[0].contains("greffe.example.org/reset-password#token"), "{}", mails[0]);
    assert!(mails[0].contains("mot de passe"), "{}", mails[0]);
    let reset = "mutation($token: String!) {
        resetPassword(input: { token: $token, password: \"another password\" }) {
            user { id } userErrors { code } } }";
    let token = json!({ "token": token_in(&mails[0]) });
    let done = public(&world, reset, token.clone()).await;
    assert_eq!(done["resetPassword"], json!({ "user": null, "userErrors": [] }));
    let again = public(&world, reset, token).await;
    assert_eq!(again["resetPassword"]["userErrors"], json!([{ "code": "TOKEN_INVALID" }]));
    for before in [&ada, &intruder] {
        let answer = world.ask(before, "{ viewer { id } }", json!({})).await;
        assert_eq!(codes(&answer), ["UNAUTHENTICATED"], "sessions and tokens are over");
    }
    world.sides.identity.sign_in(&ada.email, "another password", now()).await.unwrap();
}

#[tokio::test]
async fn who_is_invited_joins_by_the_letter() {
    let server = MailServer::start(0).await;
    let (world, _tasks) = world(&server, Admission::Invited).await;
    let abe = world.person("abe", identity::Role::Admin).await;
    let invite = "mutation { inviteUser(input: { email: \"carol@example.org\", role: OPERATOR }) {
        userErrors { code } } }";
    world.data(&abe, invite, json!({})).await;
    let mails = server.eventually_has(1).await;
    let join = "mutation($token: String!) {
        signUp(input: { invitation: $token, password: \"password of carol\" }) {
            user { id } userErrors { code } } }";
    let joined = public(&world, join, json!({ "token": token_in(&mails[0]) })).await;
    assert_eq!(joined["signUp"]["userErrors"], json!([]));
    let tokens =
        world.sides.identity.sign_in("carol@example.org", "password of carol", now()).await;
    assert_eq!(tokens.unwrap().user.role, identity::Role::Operator);
    let open = "mutation { signUp(input: { email: \"dan@example.org\", password: \"password\" }) {
        userErrors { code } } }";
    let closed = public(&world, open, json!({})).await;
    assert_eq!(closed["signUp"]["userErrors"], json!([{ "code": "REGISTRATION_CLOSED" }]));
    assert_eq!(public(&world, "{ registration }", json!({})).await["registration"], "INVITED");
}

/// Must never: somebody stays in because a mail server says nothing.
#[tokio::test]
async fn a_session_ends_while_a_mail_server_says_nothing() {
    let world = World::new().await;
    let ada = world.person("ada", identity::Role::Member).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let from = "greffe@example.org".to_owned();
    let endings = Endings::default();
    let keeper = Keeper {
        identity: world.sides.identity.clone(),
        feed: Arc::clone(&world.sides.feed),
        endings: endings.clone(),
        post: Some(Post::by_smtp(&SmtpSettings { url, from }, "https://example.org").unwrap()),
        clock: Arc::new(now),
        round_takes_max: PATIENCE,
    };
    let mut tasks = JoinSet::new();
    let stop = world.stop.clone();
    tasks.spawn(async move { keeper.run(stop).await });
    public(&world, RESET, json!({ "email": ada.email })).await;
    let accepted = tokio::time::timeout(PATIENCE, listener.accept()).await;
    let (mut silent, _) = accepted.expect("a letter is on its way").unwrap();
    let ended = endings.of(ada.id, ada.signed_in.session);
    world.data(&ada, "mutation { signOut { signedOut } }", json!({})).await;
    let mut said = [0];
    let told = async {
        tokio::select! {
            biased;
            () = ended.cancelled() => {}
            given_up = silent.read(&mut said) => panic!("the letter was waited for: {given_up:?}"),
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("nobody tells that the session has ended");
}

/// Must never: an address that we give out and that leads nowhere.
#[tokio::test]
async fn the_address_in_a_letter_leads_to_a_page() {
    let server = MailServer::start(0).await;
    let (world, _tasks) = world(&server, Admission::Invited).await;
    let ada = world.person("ada", identity::Role::Admin).await;
    public(&world, RESET, json!({ "email": ada.email })).await;
    let invite = "mutation { inviteUser(input: { email: \"carol@example.org\", role: MEMBER }) {
        userErrors { code } } }";
    world.data(&ada, invite, json!({})).await;
    let mut led = Vec::new();
    for mail in server.eventually_has(2).await {
        let (_, address) = mail.split_once("https://greffe.example.org").unwrap();
        let (path, _) = address.split_once("#token=").unwrap();
        led.push(path.to_owned());
        let page = get(&world, path).await;
        for loaded in ["/password-page.js", "/password-page.css"] {
            assert!(page.contains(&format!("\"{loaded}\"")), "{page}");
            get(&world, loaded).await;
        }
    }
    led.sort();
    assert_eq!(led, ["/join", "/reset-password"]);
}

/// What is there.
async fn get(world: &World, path: &str) -> String {
    let answer = world.send(Request::get(path).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, StatusCode::OK, "{path}");
    answer.body.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn where_anybody_may_come_they_come_as_members() {
    let world = World::admitting(Settings::default(), Admission::Open).await;
    let open = "mutation { signUp(input: {
        email: \"dan@example.org\", password: \"password of dan\" }) {
            user { id } userErrors { code path } } }";
    let made = public(&world, open, json!({})).await;
    assert_eq!(made["signUp"]["userErrors"], json!([]));
    let tokens = world.sides.identity.sign_in("dan@example.org", "password of dan", now()).await;
    assert_eq!(tokens.unwrap().user.role, identity::Role::Member);
    let taken = public(&world, open, json!({})).await;
    let error = json!([{ "code": "EMAIL_TAKEN", "path": ["input", "email"] }]);
    assert_eq!(taken["signUp"]["userErrors"], error);
}
