//! What settings say together: each is well in itself, and some don't go with one another.

use super::load::Layers;

impl Layers {
    /// Notes each pair that does not fit.
    pub(super) fn cross_check(&mut self) {
        if let Some(listen) = self.listen() {
            let token = self.secret("webhook.token", "webhook.token_file");
            if !listen.ip().is_loopback() && !token.is_set() {
                self.problem(
                    self.origin("webhook.listen"),
                    format!(
                        "webhook.listen: {listen} can be reached from other hosts, so callers need a token: \
                         set webhook.token_file, or listen on 127.0.0.1"
                    ),
                );
            }
        }
        let (lease, timeout) =
            (self.number("engine.lease_ttl"), self.number("engine.request_timeout"));
        if timeout >= lease {
            self.problem(
                self.origin("engine.request_timeout"),
                format!(
                    "engine.request_timeout: {timeout}s must be less than engine.lease_ttl ({lease}s), else a request \
                     could outlive the right to send it"
                ),
            );
        }
        for path in ["engine.lease_namespace", "engine.lease_name"] {
            let text = self.text(path);
            let fits = !text.is_empty()
                && text.len() <= 63
                && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
                && !text.starts_with('-')
                && !text.ends_with('-');
            if !fits {
                let why = format!("{path}: `{text}` is no name of a Kubernetes object");
                self.problem(self.origin(path), why);
            }
        }
        self.check_parts();
        self.check_model();
    }

    fn check_model(&mut self) {
        if self.text("slm.endpoint").is_empty() != self.text("slm.model").is_empty() {
            self.problem(
                self.origin("slm.endpoint"),
                "slm.endpoint and slm.model belong together: set both or none".into(),
            );
        }
        let (whole, first) = (self.number("slm.timeout"), self.number("slm.first_word"));
        if first > whole && self.is_set("slm.first_word") {
            self.problem(
                self.origin("slm.first_word"),
                format!("slm.first_word: {first}s is longer than slm.timeout ({whole}s)"),
            );
        }
    }

    fn check_parts(&mut self) {
        let polled = !self.text("alertmanager.url").is_empty();
        let mut problems = self.breakers(|read| read.problems(polled));
        problems.extend(self.vector_db().problem(!self.text("store.url").is_empty()));
        for (path, why) in problems {
            self.problem(self.origin(&path), why);
        }
    }
}
