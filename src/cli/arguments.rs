//! The command line.

use super::output::Format;
use super::{
    actions, alert, approve, audit, breakers, cancel, claim, completions, config, demo, doctor,
    effectiveness, engine, export, handover, list, logs, man, notifications, pause, plan,
    plan_anew, record, reject, resume, retry, revise, show, skip, start, stop, take_over,
    templates, undo, watch,
};
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Terminal operations console and engine for supervised Kubernetes remediations.
///
/// Without a verb it is the console on the kubeconfig's context. Exit codes: 0 done, 1 failed, 2 usage, 3 not found,
/// 4 refused (permission or policy), 5 void (expired, stale digest, already decided), 6 a dependency is unavailable,
/// 7 timed out waiting.
#[derive(Debug, Parser)]
#[command(name = "pilothouse", version, max_term_width = 100, infer_long_args = false)]
pub struct Arguments {
    /// Settings that every verb takes.
    #[command(flatten)]
    pub global: Global,
    /// What to do; nothing: the console.
    #[command(subcommand)]
    pub verb: Option<Verb>,
}

/// Settings that every verb takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Settings file, instead of ~/.config/pilothouse/config.toml.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
    /// Kubeconfig.
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub kubeconfig: Option<String>,
    /// Context in the kubeconfig.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub context: Option<String>,
    /// Store (SQLite file).
    #[arg(long, global = true, value_name = "FILE", help_heading = "Everywhere")]
    pub store: Option<String>,
    /// How much the engine may do: observe, suggest or approve.
    #[arg(long, global = true, value_name = "MODE", help_heading = "Everywhere")]
    pub mode: Option<String>,
    /// Where alerts, health and metrics are served, or `off`.
    #[arg(long, global = true, value_name = "ADDRESS", help_heading = "Everywhere")]
    pub listen: Option<String>,
    /// Theme of the console.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Everywhere")]
    pub theme: Option<String>,
    /// Signs and borders of the console: auto, unicode or ascii.
    #[arg(long, global = true, value_name = "SET", help_heading = "Everywhere")]
    pub glyphs: Option<String>,
    /// How data is printed.
    #[arg(
        long,
        short,
        global = true,
        value_name = "FORMAT",
        default_value = "text",
        help_heading = "Everywhere"
    )]
    pub output: Format,
}

impl Global {
    /// The flags that set settings.
    #[must_use]
    pub fn settings(&self) -> Vec<(&'static str, &'static str, String)> {
        [
            ("cluster.kubeconfig", "--kubeconfig", &self.kubeconfig),
            ("cluster.context", "--context", &self.context),
            ("store.path", "--store", &self.store),
            ("engine.mode", "--mode", &self.mode),
            ("webhook.listen", "--listen", &self.listen),
            ("ui.theme", "--theme", &self.theme),
            ("ui.glyphs", "--glyphs", &self.glyphs),
        ]
        .into_iter()
        .filter_map(|(key, flag, value)| Some((key, flag, value.clone()?)))
        .collect()
    }
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// The console on the simulated cluster: nothing outside is touched or needed.
    Demo(demo::Demo),
    /// The engine without a screen: webhook, health and metrics endpoints.
    Engine(engine::Engine),
    /// Hand in alerts: Alertmanager webhook v4 payload or API v2 list.
    Alert(alert::Alert),
    /// Remediations: open ones, those that need a person, those of the last 24 h.
    List(list::List),
    /// One remediation, whole.
    Show(show::Show),
    /// Events as they happen.
    Watch(watch::Watch),
    /// All that was written about one remediation, and what was collected.
    Logs(logs::Logs),
    /// Approve a plan.
    Approve(approve::Approve),
    /// Reject a plan.
    Reject(reject::Reject),
    /// Take charge of a remediation that needs a person.
    Claim(claim::Claim),
    /// Look again at an expired or stuck remediation and plan anew.
    PlanAnew(plan_anew::PlanAnew),
    /// Ask for a plan without an alert.
    Plan(plan::Plan),
    /// Make the plan that waits otherwise.
    Revise(revise::Revise),
    /// Pause a run: finish the operation in hand, start no other.
    Pause(pause::Pause),
    /// Go on after a pause, or hand back what was taken over.
    Resume(resume::Resume),
    /// End a remediation: undo what was done, or leave it.
    Cancel(cancel::Cancel),
    /// Leave a step out of a run.
    Skip(skip::Skip),
    /// Try the failed steps of a run again.
    Retry(retry::Retry),
    /// Take back what a remediation that ended has changed.
    Undo(undo::Undo),
    /// Do it by hand: the engine sends nothing more.
    TakeOver(take_over::TakeOver),
    /// Stop everything.
    Stop(stop::Stop),
    /// Lift the stop.
    Start(start::Start),
    /// Write reports.
    Export(export::Export),
    /// What happened, what waits, what is stopped, since you left.
    Handover(handover::Handover),
    /// How well remediations worked, against those left alone.
    Effectiveness(effectiveness::Effectiveness),
    /// Make a test case for `templates test` out of a remediation, without its secrets.
    Record(record::Record),
    /// The event log: verify its chain, or show it.
    Audit(audit::Audit),
    /// Breakers: list, show, force open, disable, reset.
    Breakers(breakers::Breakers),
    /// Channels over which people are told: what waits, dead letters, retry, test.
    Notifications(notifications::Notifications),
    /// Templates: list, show, lint, test.
    Templates(templates::Templates),
    /// The catalogue of actions, the site's definitions, and examples of them: list, show.
    Actions(actions::Actions),
    /// Settings: show each with its origin, or check them.
    Config(config::Config),
    /// Try each connection and permission, and say what to do.
    Doctor(doctor::Doctor),
    /// Print a completion script for a shell.
    Completions(completions::Completions),
    /// Print the manual page.
    Man(man::Man),
}
