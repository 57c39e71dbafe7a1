//! What is done with a batch that found a stream, a key or a guard other than
//! believed: it goes through again under the lock on the head, where nothing
//! moves, without the losers.

use std::{collections::HashMap, sync::Arc};

use sqlx::{Connection, PgConnection};

use crate::{
    Outcome, StreamId,
    postgres::{
        failure::Failure,
        fold::{self, Folded, InlineFold},
        plan::{Known, Plan, Verdict},
        request::Request,
        statement::{Statements, Written},
    },
};

/// Writes those of the batch that may be written, if any, and says what
/// becomes of each.
pub(super) async fn settle(
    connection: &mut PgConnection,
    batch: &[Request],
    statements: &mut Statements,
    folds: &[Arc<dyn InlineFold>],
) -> Result<(Vec<Verdict>, Option<Written>), Failure> {
    let mut transaction = connection.begin().await?;
    // Each statement after this one sees what was committed before the lock
    // was got.
    sqlx::query!("select head from journal_head where one for update")
        .fetch_one(&mut *transaction)
        .await?;
    let mut known = Known {
        versions: versions(&mut transaction, batch).await?,
        outcomes: outcomes(&mut transaction, batch).await?,
        refused: HashMap::new(),
    };
    loop {
        let plan = Plan::knowing(batch, &known);
        if plan.events == 0 {
            transaction.rollback().await?;
            return Ok((plan.verdicts, None));
        }
        let effects = fold::effects(folds, batch, &plan);
        let refused = refused(&mut transaction, &effects).await?;
        if refused.is_empty() {
            let written = statements.write(&mut transaction, batch, &plan, &effects).await?;
            let verdicts = plan.verdicts;
            transaction.commit().await?;
            return Ok((verdicts, Some(written)));
        }
        let before = known.refused.len();
        known.refused.extend(refused);
        if known.refused.len() == before {
            let bug = "a guard refuses an append that is not to be written";
            return Err(Failure::Refused(sqlx::Error::Protocol(bug.into())));
        }
    }
}

/// What the first guard that objects refuses, with its fold and why. The others
/// are asked once that is out of the batch.
async fn refused(
    connection: &mut PgConnection,
    effects: &[Folded],
) -> Result<HashMap<usize, (&'static str, String)>, Failure> {
    for Folded { fold, effect } in effects {
        if let Some(guard) = effect.guard {
            let mut savepoint = connection.begin().await?;
            let refused = Statements::ask(&mut savepoint, effect, guard).await?;
            savepoint.rollback().await?;
            if !refused.is_empty() {
                return Ok(refused.into_iter().map(|(it, why)| (it, (*fold, why))).collect());
            }
        }
    }
    Ok(HashMap::new())
}

async fn versions(
    connection: &mut PgConnection,
    batch: &[Request],
) -> Result<HashMap<StreamId, u64>, sqlx::Error> {
    let streams: Vec<String> =
        batch.iter().map(|it| it.append.stream.as_str().to_owned()).collect();
    let rows = sqlx::query!("select stream, version from stream where stream = any($1)", &streams)
        .fetch_all(connection)
        .await?;
    Ok(rows.into_iter().map(|it| (it.stream.into(), it.version.unsigned_abs())).collect())
}

/// The outcomes of the past under the keys of a batch.
pub(super) async fn outcomes(
    connection: &mut PgConnection,
    batch: &[Request],
) -> Result<HashMap<(String, String), Outcome>, sqlx::Error> {
    let (scopes, keys): (Vec<String>, Vec<String>) = batch
        .iter()
        .filter_map(|it| it.append.idempotency.as_ref())
        .map(|it| (it.scope.clone(), it.key.clone()))
        .unzip();
    if keys.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query!(
        "select k.scope, k.key, k.digest, k.stream, k.version, k.position
         from unnest($1::text[], $2::text[]) as x (scope, key)
         join idempotency_key k on k.scope = x.scope and k.key = x.key",
        &scopes,
        &keys
    )
    .fetch_all(connection)
    .await?;
    let outcome = |digest: Vec<u8>, stream: String, version: i64, position: i64| Outcome {
        digest: digest.try_into().unwrap_or_default(),
        stream: stream.into(),
        version: version.unsigned_abs(),
        position: position.unsigned_abs(),
    };
    Ok(rows
        .into_iter()
        .map(|it| ((it.scope, it.key), outcome(it.digest, it.stream, it.version, it.position)))
        .collect())
}
