//! `plan TEMPLATE --target KIND/NAME`.

use super::exit::{Failure, Outcome};
use super::session::Session;
use super::waiting::Waiting;
use crate::domain::named;
use crate::engine::command::{Command, Receipt};
use serde_json::Value;
use std::collections::BTreeMap;

/// Ask for a plan without an alert.
///
/// It is made for the object as it is now and waits for a decision like any other: `show ID`, then
/// `approve ID --plan DIGEST`. Nothing is opened when no plan can be made.
#[derive(Debug, clap::Args)]
pub struct Plan {
    /// Template (see `templates list`).
    pub template: String,
    /// The object: deploy/cart, node/wk-03, or shop/deploy/cart.
    #[arg(long, value_name = "KIND/NAME")]
    pub target: String,
    /// Its namespace.
    #[arg(long, short, value_name = "NAME")]
    pub namespace: Option<String>,
    /// A parameter of the template, over its default and within its limits.
    #[arg(long, value_name = "NAME=VALUE", value_parser = parameter)]
    pub set: Vec<(String, String)>,
    /// Why. It is in the log.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    pub reason: String,
    /// Whether to wait.
    #[command(flatten)]
    pub waiting: Waiting,
}

/// Reads `NAME=VALUE`.
///
/// # Errors
/// When there is no name, or no `=`.
pub fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_string(), value.to_string()))
        }
        _ => Err("write NAME=VALUE".into()),
    }
}

/// Parameters as the engine takes them.
///
/// # Errors
/// When one is named twice.
pub fn parameters(set: &[(String, String)]) -> Result<BTreeMap<String, Value>, Failure> {
    let mut params = BTreeMap::new();
    for (name, value) in set {
        if params.insert(name.clone(), Value::from(value.as_str())).is_some() {
            return Err(Failure::usage(format!("--set {name} is there twice")));
        }
    }
    Ok(params)
}

impl Plan {
    /// Runs the verb.
    ///
    /// # Errors
    /// When it is refused: no such template or object, wrong parameters, no right.
    pub fn run(&self, session: &Session) -> Outcome {
        let target =
            named::parse(&self.target, self.namespace.as_deref()).map_err(Failure::usage)?;
        let command = Command::Plan {
            template: self.template.clone(),
            target,
            params: parameters(&self.set)?,
            reason: self.reason.trim().into(),
        };
        session.wait(async {
            let by = session.caller().await;
            let receipt = session.ask(&by, &command).await.map_err(Failure::unavailable)?;
            let exit = session.finish(&receipt)?;
            match &receipt {
                Receipt::Done { remediations, .. } => {
                    self.waiting.until_settled(session, remediations, None).await
                }
                Receipt::Refused { .. } => Ok(exit),
            }
        })
    }
}
