//! `revise ID --set k=v`.

use super::exit::{Failure, Outcome};
use super::plan::{parameter, parameters};
use super::session::Session;
use crate::engine::command::Command;

/// Make the plan that waits otherwise: other parameters, another template.
///
/// The new plan has its own digest and the old one is void. When the new one can't be made, the old one stands.
#[derive(Debug, clap::Args)]
pub struct Revise {
    /// Remediation: id or unique prefix.
    pub id: String,
    /// A parameter of the template, within its limits.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub set: Vec<(String, String)>,
    /// Another template.
    #[arg(long, value_name = "NAME")]
    pub template: Option<String>,
    /// Why. It is in the log.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
}

impl Revise {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused: no plan waits, wrong parameters, no right.
    pub fn run(&self, session: &Session) -> Outcome {
        if self.set.is_empty() && self.template.is_none() {
            return Err(Failure::usage("say what to change: --set NAME=VALUE or --template NAME"));
        }
        let params = parameters(&self.set)?;
        session.wait(async {
            let (case, _) = session.log().await?.find(&self.id).await?;
            let command = Command::Revise {
                remediation: case.id,
                template: self.template.clone(),
                params,
                reason: self.reason.trim().into(),
            };
            session.command(&command).await
        })
    }
}
