//! Every question that one may ask of `land`.

use domain::{LandId, UserId};
use sqlx::{Postgres, QueryBuilder};

use super::{
    LandRow,
    rows::{COLUMNS, Record},
};
use crate::{ReadError, Reader, Viewer, signed, text};

/// Which lands one wants to see. What is not said does not matter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LandFilter {
    /// Of this owner.
    pub owner: Option<UserId>,
    /// With this in the name or the description, in whatever case.
    pub text: Option<String>,
}

/// In which order one wants to see lands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LandOrder {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// By name.
    Name,
}

/// Which part of the lands one wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LandPaging {
    /// At most so many.
    pub limit: u32,
    /// Those after the one that was created there.
    pub after: Option<u64>,
}

/// A part of the lands, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct LandList {
    /// The lands.
    pub rows: Vec<LandRow>,
    /// Whether there are more.
    pub more: bool,
}

impl Reader {
    /// One land, if there is one that `viewer` may see.
    pub async fn land(&self, id: LandId, viewer: Viewer) -> Result<Option<LandRow>, ReadError> {
        let record = sqlx::query_as!(
            Record,
            "select * from land where land = $1 and deleted_at is null",
            id.0
        )
        .fetch_optional(&self.db)
        .await?;
        Ok(record.map(LandRow::from).filter(|it| viewer.sees(it.owner)))
    }

    /// A part of the lands that `viewer` may see.
    pub async fn lands(
        &self,
        filter: &LandFilter,
        order: LandOrder,
        paging: LandPaging,
        viewer: Viewer,
    ) -> Result<LandList, ReadError> {
        let mut query = select(filter, order, paging, viewer);
        let records: Vec<Record> = query.build_query_as().fetch_all(&self.db).await?;
        let limit = paging.limit as usize;
        let more = limit < records.len();
        Ok(LandList { rows: records.into_iter().take(limit).map(LandRow::from).collect(), more })
    }

    /// How many lands of a filter there are.
    pub async fn count_lands(&self, filter: &LandFilter, viewer: Viewer) -> Result<u64, ReadError> {
        let mut query = QueryBuilder::new("select count(*) from land where deleted_at is null");
        filter.push(&mut query, viewer);
        let count: i64 = query.build_query_scalar().fetch_one(&self.db).await?;
        Ok(count.cast_unsigned())
    }
}

impl LandFilter {
    fn push(&self, query: &mut QueryBuilder<Postgres>, viewer: Viewer) {
        for owner in [viewer.owner(), self.owner.map(|it| it.0)].into_iter().flatten() {
            query.push(" and owner = ").push_bind(owner);
        }
        if let Some(sought) = &self.text {
            let pattern = text::containing(sought);
            query.push(" and (name ilike ").push_bind(pattern.clone());
            query.push(" or description ilike ").push_bind(pattern).push(")");
        }
    }
}

/// One more than asked for tells whether there are more.
fn select(
    filter: &LandFilter,
    order: LandOrder,
    paging: LandPaging,
    viewer: Viewer,
) -> QueryBuilder<Postgres> {
    let (key, comes_after, direction) = match order {
        LandOrder::Newest => ("created_position", "<", "desc"),
        LandOrder::Oldest => ("created_position", ">", "asc"),
        LandOrder::Name => ("lower(name), created_position", ">", "asc"),
    };
    let mut query =
        QueryBuilder::new(format!("select {COLUMNS} from land where deleted_at is null"));
    filter.push(&mut query, viewer);
    if let Some(after) = paging.after {
        // Also of a land that has been deleted since.
        query.push(format!(
            " and ({key}) {comes_after} (select {key} from land where created_position = "
        ));
        query.push_bind(signed(after)).push(")");
    }
    let by = key.replace(',', &format!(" {direction},"));
    query.push(format!(" order by {by} {direction} limit "));
    query.push_bind(i64::from(paging.limit) + 1);
    query
}
