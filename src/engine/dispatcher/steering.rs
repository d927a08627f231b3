//! Commands that need something first: the case that is steered, the plan that is asked for.

use super::jobs::Done;
use super::run::Dispatcher;
use crate::domain::id::RemediationId;
use crate::engine::command::{Command, Receipt, Request};
use crate::engine::job::Input;
use crate::engine::prepare;
use tokio::sync::oneshot;

impl Dispatcher {
    pub(super) fn look_up_and_steer(
        &mut self,
        id: &RemediationId,
        request: Request,
        reply: oneshot::Sender<Receipt>,
    ) {
        let known = self.core.remediation(id).cloned();
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        self.jobs.spawn(async move {
            let request = Box::new(request);
            match prepare::steering(&outside, &cluster, known, request.clone()).await {
                Ok(input) => Done::Asked(Box::new(input), reply),
                Err((refusal, why)) => {
                    let _gone = reply.send(Receipt::Refused { refusal, why });
                    Done::Nothing
                }
            }
        });
    }

    pub(super) fn draft(&mut self, request: Request, reply: oneshot::Sender<Receipt>) {
        let outside = self.outside.clone();
        let cluster = self.options.settings.cluster.clone();
        let case = if let Command::Revise { remediation, .. } = &request.command {
            self.core.remediation(remediation).cloned()
        } else {
            None
        };
        let fresh = RemediationId::from_random(outside.entropy.bytes());
        self.jobs.spawn(async move {
            let result = prepare::drafted(&outside, &cluster, case, &request.command).await;
            let input = Input::Drafted { request: Box::new(request), fresh, result };
            Done::Asked(Box::new(input), reply)
        });
    }
}
