//! A mail server (RFC 5321) that does as it is told and keeps what it hears.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What the server does instead of what it should.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// Another reply, of one or more lines.
    Say(&'static str),
    /// Closes the connection.
    HangUp,
    /// Says nothing any more, and lets the clock of the runtime run ahead.
    Silence,
}

/// How the server behaves.
#[derive(Clone, Default)]
pub(super) struct Manners {
    /// Extensions, beside `AUTH PLAIN LOGIN`.
    pub(super) offers: Vec<&'static str>,
    /// Answers to commands by how these begin; `greeting` and `.` are the beginning and the end of a mail.
    pub(super) answers: Vec<(&'static str, Answer)>,
    /// What STARTTLS leads to.
    pub(super) tls: Option<TlsAcceptor>,
    /// Whether TLS comes before everything else.
    pub(super) tls_first: bool,
}

impl Manners {
    /// Good ones but for one answer.
    pub(super) fn but(command: &'static str, answer: Answer) -> Self {
        Self { answers: vec![(command, answer)], ..Self::default() }
    }
}

/// A running server.
pub(super) struct Relay {
    pub(super) address: SocketAddr,
    heard: Arc<Mutex<Heard>>,
}

/// What a server heard, over all its connections.
#[derive(Clone, Default)]
pub(super) struct Heard {
    /// Commands, each with whether it came over TLS.
    pub(super) commands: Vec<(String, bool)>,
    /// Whole mails, as they were before dots were doubled.
    pub(super) mails: Vec<String>,
}

impl Relay {
    /// Starts a server, which ends with the runtime.
    pub(super) async fn start(manners: Manners) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, heard) = (listener.local_addr().unwrap(), Arc::<Mutex<Heard>>::default());
        let ears = heard.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (manners, ears) = (manners.clone(), ears.clone());
                tokio::spawn(async move { serve(Box::new(stream), &manners, &ears).await });
            }
        });
        Self { address, heard }
    }

    /// What it heard so far.
    pub(super) fn heard(&self) -> Heard {
        self.heard.lock().unwrap().clone()
    }

    /// The commands without what belongs to them.
    pub(super) fn verbs(&self) -> Vec<String> {
        let verb = |(command, _): (String, bool)| command.split([' ', ':']).next().unwrap_or_default().to_owned();
        self.heard().commands.into_iter().map(verb).collect()
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// A conversation until either side ends it.
async fn serve(mut stream: Box<dyn Stream>, manners: &Manners, heard: &Mutex<Heard>) -> Option<()> {
    let mut encrypted = manners.tls_first;
    if encrypted {
        stream = Box::new(manners.tls.as_ref()?.accept(stream).await.ok()?);
    }
    let mut stream = BufReader::new(stream);
    answer(&mut stream, manners, "greeting", "220 relay ESMTP").await?;
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        let command = line.trim_end().to_owned();
        heard.lock().unwrap().commands.push((command.clone(), encrypted));
        match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => {
                let offers = manners.offers.iter().map(|offer| format!("250-{offer}\r\n")).collect::<String>();
                let good = format!("250-relay\r\n{offers}250 AUTH PLAIN LOGIN");
                answer(&mut stream, manners, &command, &good).await?;
            }
            "AUTH" => drop(answer(&mut stream, manners, &command, "235 2.7.0 welcome").await?),
            "MAIL" | "RCPT" => drop(answer(&mut stream, manners, &command, "250 2.1.0 ok").await?),
            "DATA" => {
                let said = answer(&mut stream, manners, &command, "354 go on").await?;
                if said.starts_with("354") {
                    let mail = mail(&mut stream).await?;
                    heard.lock().unwrap().mails.push(mail);
                    answer(&mut stream, manners, ".", "250 2.0.0 queued").await?;
                }
            }
            "STARTTLS" => {
                answer(&mut stream, manners, &command, "220 go ahead").await?;
                let encrypting = manners.tls.as_ref()?.accept(stream.into_inner());
                stream = BufReader::new(Box::new(encrypting.await.ok()?));
                encrypted = true;
            }
            "QUIT" => {
                answer(&mut stream, manners, &command, "221 bye").await?;
                return None;
            }
            _ => drop(answer(&mut stream, manners, &command, "500 what?").await?),
        }
    }
}

/// Says what is to be said; `None` if nothing is, any more.
async fn answer(
    stream: &mut BufReader<Box<dyn Stream>>,
    manners: &Manners,
    command: &str,
    good: &str,
) -> Option<String> {
    let told = manners.answers.iter().find(|(begins, _)| command.starts_with(begins)).map(|(_, answer)| *answer);
    let said = match told {
        None => good,
        Some(Answer::Say(said)) => said,
        Some(Answer::HangUp) => return None,
        Some(Answer::Silence) => {
            // From here on nobody waits for anything but the clock, so it may run ahead.
            tokio::time::pause();
            std::future::pending().await
        }
    };
    stream.get_mut().write_all(format!("{said}\r\n").as_bytes()).await.ok()?;
    stream.get_mut().flush().await.ok()?;
    Some(said.to_owned())
}

/// A mail up to the dot that ends it.
async fn mail(stream: &mut BufReader<Box<dyn Stream>>) -> Option<String> {
    let mut mail = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok().filter(|read| *read > 0)?;
        match line.strip_prefix('.') {
            Some("\r\n") => return Some(mail),
            Some(rest) => mail += rest,
            None => mail += &line,
        }
    }
}
