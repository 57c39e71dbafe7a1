//! What an event says by itself, without the job that it happened to: the
//! lease that it belongs to, and the state that it leads to.

use super::{CrawlEvent, JobEvent, JobState, Next, Order, ReportEvent};

impl JobEvent {
    /// The fence of the lease that it belongs to, for events that belong to
    /// one. A grant begins a lease, and belongs to none.
    pub fn fence(&self) -> Option<u64> {
        match self {
            Self::ProgressReported(it) => Some(it.fence),
            Self::LeaseReleased(it) => Some(it.fence),
            Self::LeaseExpired(it) => Some(it.fence),
            Self::AttemptFailed(it) => Some(it.fence),
            Self::LogSealed(it) => Some(it.fence),
            Self::TaskCompleted(it) => Some(it.fence),
            Self::Crawl(CrawlEvent::PagesVisited(it)) => Some(it.fence),
            Self::Crawl(CrawlEvent::CrawlCompleted(it)) => Some(it.fence),
            Self::Report(ReportEvent::ReportCompleted(it)) => Some(it.fence),
            Self::JobCancelled(it) => it.fence,
            Self::TaskCreated(_)
            | Self::JobQueued(_)
            | Self::LeaseGranted(_)
            | Self::CancelRequested(_)
            | Self::JobPaused(_)
            | Self::JobResumed(_)
            | Self::JobFailed(_)
            | Self::JobExpired(_)
            | Self::JobTransferred(_)
            | Self::Crawl(CrawlEvent::CrawlRequested(_))
            | Self::Report(ReportEvent::ReportRequested(_)) => None,
        }
    }

    /// The state that it leads to; `None` if it leaves the job where it is, as
    /// does the end of an attempt that the end of the job follows.
    pub fn leads_to(&self) -> Option<JobState> {
        match self {
            Self::TaskCreated(it) => Some(first(&it.order)),
            Self::Crawl(CrawlEvent::CrawlRequested(it)) => Some(first(&it.order)),
            Self::Report(ReportEvent::ReportRequested(it)) => Some(first(&it.order)),
            Self::JobQueued(_) => Some(JobState::Queued),
            Self::LeaseGranted(_) => Some(JobState::Running),
            Self::LeaseReleased(it) => after(it.next, JobState::Scheduled),
            Self::LeaseExpired(it) => after(it.next, JobState::Retrying),
            Self::AttemptFailed(it) => after(it.next, JobState::Retrying),
            Self::TaskCompleted(_)
            | Self::Crawl(CrawlEvent::CrawlCompleted(_))
            | Self::Report(ReportEvent::ReportCompleted(_)) => Some(JobState::Succeeded),
            Self::JobFailed(_) => Some(JobState::Failed),
            Self::JobCancelled(_) => Some(JobState::Cancelled),
            Self::JobExpired(_) => Some(JobState::Expired),
            Self::ProgressReported(_)
            | Self::CancelRequested(_)
            | Self::JobPaused(_)
            | Self::JobResumed(_)
            | Self::LogSealed(_)
            | Self::JobTransferred(_)
            | Self::Crawl(CrawlEvent::PagesVisited(_)) => None,
        }
    }

    /// How many items of a batch failed, if it ends the job well.
    pub fn errors(&self) -> u64 {
        match self {
            Self::TaskCompleted(it) => it.errors,
            Self::Crawl(CrawlEvent::CrawlCompleted(it)) => it.errors,
            Self::Report(ReportEvent::ReportCompleted(it)) => it.errors,
            Self::TaskCreated(_)
            | Self::JobQueued(_)
            | Self::LeaseGranted(_)
            | Self::ProgressReported(_)
            | Self::CancelRequested(_)
            | Self::JobPaused(_)
            | Self::JobResumed(_)
            | Self::LeaseReleased(_)
            | Self::LeaseExpired(_)
            | Self::AttemptFailed(_)
            | Self::LogSealed(_)
            | Self::JobFailed(_)
            | Self::JobCancelled(_)
            | Self::JobExpired(_)
            | Self::JobTransferred(_)
            | Self::Crawl(CrawlEvent::CrawlRequested(_) | CrawlEvent::PagesVisited(_))
            | Self::Report(ReportEvent::ReportRequested(_)) => 0,
        }
    }
}

fn first(order: &Order) -> JobState {
    order.not_before.map_or(JobState::Queued, |_| JobState::Scheduled)
}

fn after(next: Next, waiting: JobState) -> Option<JobState> {
    match next {
        Next::Queue => Some(JobState::Queued),
        Next::Wait { .. } => Some(waiting),
        Next::End => None,
    }
}
