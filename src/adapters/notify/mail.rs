//! Mail over SMTP.
//!
//! One connection a message. The certificate and the name of the server are verified wherever the way is encrypted, and
//! a server that can't encrypt gets nothing unless it is this machine.

use crate::domain::breaker::{Answer, Down};
use crate::domain::notify::Message;
use crate::domain::text::{clean, error_line, redact, shorten};
use crate::ports::channel::{Carried, Channel};
use crate::ports::line::Line;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransport, Error};
use lettre::{AsyncTransport as _, Tokio1Executor};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// Longest subject, in characters.
const LONGEST_SUBJECT: usize = 200;
/// How often the time of one answer a message takes at most, over all that is said for it.
const ANSWERS: u32 = 3;

/// How the way to the server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Plain, then encrypted before anything is said.
    Starttls,
    /// From the first byte.
    Implicit,
    /// Not at all.
    Plain,
}

/// A server, and who writes to whom.
#[derive(Debug)]
pub struct Post {
    /// Server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way is protected.
    pub protection: Protection,
    /// Certificate (PEM) that signed the server's; `None`: those of the system.
    pub ca_pem: Option<Vec<u8>>,
    /// Who logs in, with the password.
    pub login: Option<(String, SecretString)>,
    /// Sender.
    pub from: String,
    /// Receivers.
    pub to: Vec<String>,
}

/// A mail channel.
pub struct Mail {
    from: Mailbox,
    to: Vec<Mailbox>,
    transport: AsyncSmtpTransport<Tokio1Executor>,
    longest: Duration,
    line: Line,
}

impl Mail {
    /// A mail channel. Nothing is connected yet.
    ///
    /// # Errors
    /// An address or a certificate is of no use.
    pub fn new(post: Post, timeout: Duration, line: Line) -> Result<Self, String> {
        let mailbox = |text: &String| {
            text.parse::<Mailbox>().map_err(|error| format!("`{text}` is no mail address: {error}"))
        };
        let from = mailbox(&post.from)?;
        let to = post.to.iter().map(mailbox).collect::<Result<Vec<_>, _>>()?;
        let tls = match post.protection {
            Protection::Plain => Tls::None,
            Protection::Starttls => Tls::Required(parameters(&post)?),
            Protection::Implicit => Tls::Wrapper(parameters(&post)?),
        };
        let mut builder =
            AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(post.host.as_str())
                .port(post.port)
                .tls(tls)
                .timeout(Some(timeout));
        if let Some((user, password)) = post.login {
            let password = password.expose_secret().to_string();
            builder = builder.credentials(Credentials::new(user, password));
        }
        let (transport, longest) = (builder.build(), timeout * ANSWERS);
        Ok(Self { from, to, transport, longest, line })
    }

    fn letter(&self, message: &Message) -> Result<lettre::Message, String> {
        let id = message.id();
        let domain = self.from.email.domain();
        let mut builder = MessageBuilder::new()
            .from(self.from.clone())
            .subject(shorten(&message.title(), LONGEST_SUBJECT))
            .message_id(Some(format!("<{id}@{domain}>")));
        for to in &self.to {
            builder = builder.to(to.clone());
        }
        let letter = builder.header(ContentType::TEXT_PLAIN).body(message.text());
        let mut letter = letter.map_err(|error| format!("no mail can be made of it: {error}"))?;
        for (name, value) in
            [("X-Pilothouse-Id", id.as_str()), ("Auto-Submitted", "auto-generated")]
        {
            if let Ok(name) = HeaderName::new_from_ascii(name.to_string()) {
                letter.headers_mut().insert_raw(HeaderValue::new(name, value.to_string()));
            }
        }
        Ok(letter)
    }
}

fn parameters(post: &Post) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(post.host.clone());
    if let Some(pem) = &post.ca_pem {
        let certificate = Certificate::from_pem(pem)
            .map_err(|error| format!("ca_file holds no certificate: {error}"))?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().map_err(|error| format!("no TLS: {}", error_line(&error, 300)))
}

#[async_trait::async_trait]
impl Channel for Mail {
    async fn carry(&self, message: &Message) -> Carried {
        let letter = match self.letter(message) {
            Ok(letter) => letter,
            Err(why) => return Carried::Refused(why),
        };
        let calling = match self.line.begin() {
            Ok(calling) => calling,
            Err(refused) => return Carried::NotLetThrough(refused.to_string()),
        };
        let sent = tokio::time::timeout(self.longest, self.transport.send(letter)).await;
        let (answer, carried) = match sent {
            Ok(Ok(response)) => {
                let words = response.message().collect::<Vec<_>>().join(" ");
                let words = shorten(&redact(&clean(&words)), 200);
                (Answer::Good, Carried::Told(format!("{}: {words}", response.code())))
            }
            Ok(Err(error)) => judge(&error),
            Err(_) => {
                let why = "no answer in time".to_string();
                let answer = Answer::Down(Down::NoAnswer, why.clone());
                (answer, Carried::Later { why, after_s: None })
            }
        };
        calling.end(&answer);
        carried
    }

    async fn probe(&self) -> Result<String, String> {
        let calling = self.line.begin().map_err(|refused| refused.to_string())?;
        let tried = tokio::time::timeout(self.longest, self.transport.test_connection()).await;
        let (answer, result) = match tried {
            Ok(Ok(true)) => (Answer::Good, Ok("greets, and lets this user in".to_string())),
            Ok(Ok(false)) => {
                let why = "it greets, and then says nothing".to_string();
                (Answer::Down(Down::BrokeOff, why.clone()), Err(why))
            }
            Ok(Err(error)) => (judge(&error).0, Err(error_line(&error, 300))),
            Err(_) => {
                let why = "no answer in time".to_string();
                (Answer::Down(Down::NoAnswer, why.clone()), Err(why))
            }
        };
        calling.end(&answer);
        result
    }
}

/// What a failure means for the breaker, and for the message.
fn judge(error: &Error) -> (Answer, Carried) {
    let why = error_line(error, 300);
    let code = error.status().map(u16::from);
    let later = Carried::Later { why: why.clone(), after_s: None };
    match code {
        Some(421) => (Answer::Down(Down::SaysDown, why), later),
        Some(code @ 500..) => (Answer::No(format!("SMTP {code}")), Carried::Refused(why)),
        Some(code) => (Answer::No(format!("SMTP {code}")), later),
        None if error.is_timeout() => (Answer::Down(Down::NoAnswer, why), later),
        None if error.is_response() => (Answer::Down(Down::BrokeOff, why), later),
        // The server can't do what is asked of it (encrypt, log in this way), and can't the next time.
        None if error.is_client() => (Answer::No("can't".into()), Carried::Refused(why)),
        None => (Answer::Down(Down::NoConnection, why), later),
    }
}

#[cfg(test)]
mod tests;
