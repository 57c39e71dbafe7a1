//! What is kept of secrets, and where.

use identity::{Language, Quotas, Settings, TokenScope, WorkerServices};
use sqlx::{AssertSqlSafe, PgPool};

use crate::world::{PASSWORD, World, t};

/// Everything in a table, as one text.
async fn content(db: &PgPool, table: &str) -> String {
    let query = format!("select coalesce(string_agg(it::text, ' '), '') from {table} it");
    sqlx::query_scalar(AssertSqlSafe(query)).fetch_one(db).await.unwrap()
}

async fn tables(db: &PgPool) -> Vec<String> {
    let query = "select tablename::text from pg_tables where schemaname = 'public' order by 1";
    sqlx::query_scalar(query).fetch_all(db).await.unwrap()
}

#[tokio::test]
async fn a_password_hash_is_in_its_own_table_and_no_password_or_token_is_in_any() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let next = world.identity.refresh(&tokens.refresh, t(1)).await.unwrap();
    let (_, worker) =
        world.identity.create_worker_token("lab", &WorkerServices::All, None, t(0)).await.unwrap();
    world.identity.verify_worker(&worker, t(1)).await.unwrap();
    let wrong = world.identity.sign_in("typed-in-the-wrong@field", PASSWORD, t(1)).await;
    assert!(wrong.is_err());
    let made = world.identity.ensure_first_admin(None, None, t(1)).await.unwrap().unwrap();
    let owner = tokens.user.id;
    let scope = (TokenScope::Read, None);
    let (_, own) = world.identity.create_own_token(owner, "a", scope, t(1)).await.unwrap();
    let services = ["ocr".to_owned()];
    let (_, secret) =
        world.identity.create_client("shop", &services, Quotas::default(), t(1)).await.unwrap();
    let ask = world.identity.request_password_reset("ada@example.org", Language::English, t(1));
    ask.await.unwrap();
    world.identity.answer_wishes(t(1)).await.unwrap();
    let letters = world.identity.take_letters(t(1)).await.unwrap();

    let hash: String = sqlx::query_scalar(
        "select hash from password p join app_user u on u.id = p.user_id
         where u.email = 'ada@example.org'",
    )
    .fetch_one(&world.db)
    .await
    .unwrap();
    let mut told = [
        PASSWORD,
        &made.password,
        tokens.access.expose(),
        tokens.refresh.expose(),
        next.refresh.expose(),
        worker.expose(),
        own.expose(),
        secret.expose(),
        letters[0].token.expose(),
        "typed-in-the-wrong@field",
    ]
    .map(str::to_owned)
    .to_vec();
    // As bytes are shown.
    told.extend(told.clone().iter().map(hex::encode));

    let mut filled = 0;
    for table in tables(&world.db).await {
        let content = content(&world.db, &table).await;
        filled += usize::from(!content.is_empty());
        assert_eq!(content.contains(&hash), table == "password", "{table}");
        assert_eq!(content.contains("$argon2"), table == "password", "{table}");
        for secret in &told {
            assert!(!content.contains(secret), "{table} holds {secret}");
        }
    }
    assert_eq!(filled, 11, "every table had something to hide");
}

#[tokio::test]
async fn debug_output_shows_no_secret() {
    let world = World::open().await;
    let tokens = world.ada().await;
    let made = world.identity.ensure_first_admin(None, None, t(1)).await.unwrap().unwrap();
    world.identity.verify_access(&tokens.access, t(1)).await.unwrap();
    let secret: Vec<u8> =
        sqlx::query_scalar("select secret from signing_key").fetch_one(&world.db).await.unwrap();

    let shown = format!("{tokens:?} {tokens:#?} {made:?}");
    for hidden in [tokens.access.expose(), tokens.refresh.expose(), &made.password, "ada@example"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
    let shown = format!("{:?} {:?}", world.identity, Settings::default());
    let as_list = format!("{secret:?}");
    assert!(!shown.contains(as_list.trim_matches(['[', ']'])), "{shown}");
    assert!(!shown.contains("$argon2"), "{shown}");
}
