//! How a command is carried out: authorised, completed with what its service
//! says, and handed to the executor of its aggregate.

use std::sync::Arc;

use domain::{
    JobId, Refusal, Timestamp,
    job::{CrawlSpec, JobCommand, Order, TaskSpec},
    service::ServiceName,
};
use journal::Journal;

use crate::{
    Accepted, Asked, CRAWL_PAGES_MAX, Clock, Command, CommandError, Commands, Ids, Services,
    Wishes, authorise,
    counted::counted,
    executor::{Call, Executor},
};

impl Commands {
    /// Opens the write side of `journal`.
    pub fn new(journal: Arc<dyn Journal>, services: Services, clock: Clock, ids: Ids) -> Self {
        Self {
            jobs: Arc::new(Executor::new(Arc::clone(&journal), Arc::clone(&ids))),
            workers: Arc::new(Executor::new(Arc::clone(&journal), Arc::clone(&ids))),
            accounts: Arc::new(Executor::new(Arc::clone(&journal), Arc::clone(&ids))),
            clients: Arc::new(Executor::new(Arc::clone(&journal), Arc::clone(&ids))),
            lands: Arc::new(Executor::new(journal, ids)),
            services: Arc::new(services),
            crawl_pages_max: CRAWL_PAGES_MAX,
            clock,
        }
    }

    /// One that refuses crawls of more pages.
    #[must_use]
    pub fn with_crawl_pages_max(self, crawl_pages_max: u32) -> Self {
        Self { crawl_pages_max, ..self }
    }

    /// Carries out `command`, or says why not.
    pub async fn execute(&self, command: Command, asked: Asked) -> Result<Accepted, CommandError> {
        counted(command.name(), self.carry_out(command, asked)).await
    }

    async fn carry_out(&self, command: Command, asked: Asked) -> Result<Accepted, CommandError> {
        let name = command.name();
        authorise::check(name, &asked.actor)?;
        match command {
            Command::CreateTask { id, service, body, wishes } => {
                let create = |now| {
                    let declared = self.services.find(&service)?;
                    declared.check(&body)?;
                    let service = declared.service.name.clone();
                    let order = self.order(&service, wishes, now, &asked)?;
                    Ok(JobCommand::CreateTask { order, task: TaskSpec { service, body } })
                };
                self.create(name, id, create, &asked).await
            }
            Command::StartCrawl { id, crawl, wishes } => {
                self.start_crawl(id, crawl, wishes, &asked).await
            }
            Command::RequestReport { id, report, wishes } => {
                let create = |now| {
                    let order = self.order(&ServiceName::report(), wishes, now, &asked)?;
                    Ok(JobCommand::RequestReport { order, report })
                };
                self.create(name, id, create, &asked).await
            }
            Command::RetryJob { of, id } => self.retry(of, id, &asked).await,
            Command::Job(id, command) => {
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.jobs.execute(id.0, command, call).await?.accepted)
            }
            Command::Worker(id, command) => {
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.workers.execute(id.0, command, call).await?.accepted)
            }
            Command::Account(id, command) => {
                authorise::own_or_any(name, id, &asked.actor)?;
                command.check(id)?;
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.accounts.execute(id.0, command, call).await?.accepted)
            }
            Command::Land(id, command) => {
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.lands.execute(id.0, command, call).await?.accepted)
            }
            Command::Client(id, command) => {
                let call = Call { name, now: self.now(), asked: &asked };
                Ok(self.clients.execute(id.0, command, call).await?.accepted)
            }
        }
    }

    /// The services that tasks may be created for.
    pub fn services(&self) -> &Services {
        &self.services
    }

    /// The time, as this write side sees it.
    pub fn now(&self) -> Timestamp {
        (self.clock)()
    }

    async fn start_crawl(
        &self,
        id: JobId,
        crawl: CrawlSpec,
        wishes: Wishes,
        asked: &Asked,
    ) -> Result<Accepted, CommandError> {
        let land = match crawl.land {
            Some(land) => Some(self.lands.load(land.0).await?),
            None => None,
        };
        let create = |now| {
            let crawl = match land {
                Some(land) => land.crawl(crawl, &asked.actor)?,
                None => crawl,
            };
            self.check_limit(&crawl)?;
            let order = self.order(&ServiceName::crawl(), wishes, now, asked)?;
            Ok(JobCommand::StartCrawl { order, crawl })
        };
        self.create("StartCrawl", id, create, asked).await
    }

    /// A key seen before answers, whatever the rest of the command is worth
    /// today.
    async fn create(
        &self,
        name: &'static str,
        id: JobId,
        create: impl FnOnce(Timestamp) -> Result<JobCommand, Refusal>,
        asked: &Asked,
    ) -> Result<Accepted, CommandError> {
        if let Some(accepted) = self.jobs.repeated(name, asked).await? {
            return Ok(accepted);
        }
        let now = (self.clock)();
        let command = create(now)?;
        Ok(self.jobs.execute(id.0, command, Call { name, now, asked }).await?.accepted)
    }

    async fn retry(&self, of: JobId, id: JobId, asked: &Asked) -> Result<Accepted, CommandError> {
        if let Some(accepted) = self.jobs.repeated("RetryJob", asked).await? {
            return Ok(accepted);
        }
        let job = self.jobs.load(of.0).await?;
        let context = asked.context((self.clock)());
        let expiry = job.present().map(|it| self.services.expiry(&it.spec.service()));
        let expires_at = context.now + expiry.unwrap_or_default();
        let command = job.repeat(of, expires_at, &context)?;
        if let JobCommand::StartCrawl { crawl, .. } = &command {
            self.check_limit(crawl)?;
        }
        let call = Call { name: "RetryJob", now: context.now, asked };
        Ok(self.jobs.execute(id.0, command, call).await?.accepted)
    }

    /// A crawl holds all that it finds in memory: how much that may be is not
    /// for who asks to say.
    fn check_limit(&self, crawl: &CrawlSpec) -> Result<(), Refusal> {
        if self.crawl_pages_max < crawl.pages_max {
            return Err(Refusal::invalid("limit", format!("at most {}", self.crawl_pages_max)));
        }
        Ok(())
    }

    fn order(
        &self,
        service: &ServiceName,
        wishes: Wishes,
        now: Timestamp,
        asked: &Asked,
    ) -> Result<Order, Refusal> {
        let owner = wishes
            .owner
            .or(asked.user())
            .ok_or(Refusal::Forbidden { rule: "a job is owned by a person" })?;
        let latest = now + self.services.expiry(service);
        if wishes.expires_at.is_some_and(|at| latest < at) {
            return Err(Refusal::invalid("expiresAt", "no later than the service allows"));
        }
        Ok(Order {
            owner,
            priority: wishes.priority,
            not_before: wishes.not_before,
            expires_at: wishes.expires_at.unwrap_or(latest),
            policy: self.services.policy(service),
            retry_of: None,
        })
    }
}
