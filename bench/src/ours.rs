//! The work, done with stream tasks as a plain user would.

use std::time::Duration;

use bytes::Bytes;
use streamtask::{Configuration, Error, Roots, Session, StreamTask};

use crate::Outcome;
use crate::clock::{Moment, Sample};
use crate::server::Site;
use crate::server::manners::{self, KNOCK};
use crate::work::{BLOCK, BURST, Job, Layer, MESSAGE, MORSEL, Traffic, Work};

/// Does the work, and measures it without what comes before.
///
/// # Errors
/// Whatever goes wrong.
pub(crate) async fn run(site: Site, work: Work) -> Outcome<Sample> {
    let client = Client::new(&site, work.layer)?;
    match work.job {
        Job::Connect(count) => {
            // The first connection has no earlier session to resume.
            client.knock().await?;
            let start = Moment::now()?;
            for _ in 0..count {
                work.layer.check(client.knock().await?)?;
            }
            Ok(start.elapsed()?)
        }
        Job::Carry(traffic) => {
            let (task, _) = client.connect().await?;
            let start = Moment::now()?;
            task.write(manners::greeting(traffic), LIMIT).await?;
            carry(&task, traffic).await?;
            Ok(start.elapsed()?)
        }
    }
}

struct Client {
    session: Session,
    host: String,
    port: u16,
    is_secure: bool,
}

impl Client {
    fn new(site: &Site, layer: Layer) -> Outcome<Self> {
        let roots = Roots::Only(vec![site.certificate.clone()]);
        let address = site.address(layer);
        Ok(Client {
            session: Session::new(Configuration::default().roots(roots))?,
            host: address.ip().to_string(),
            port: address.port(),
            is_secure: layer != Layer::Clear,
        })
    }

    /// Connects; says whether an earlier TLS session was resumed.
    async fn connect(&self) -> Result<(StreamTask, bool), Error> {
        let task = self.session.stream_task(&self.host, self.port)?;
        if !self.is_secure {
            task.resume();
            return Ok((task, false));
        }
        let secured = task.start_secure_connection();
        task.resume();
        let is_resumed = secured.await?.is_resumed();
        Ok((task, is_resumed))
    }

    /// Connects, says one byte and hears one; dropping the task closes the connection.
    async fn knock(&self) -> Result<bool, Error> {
        let (task, is_resumed) = self.connect().await?;
        task.write(&[KNOCK][..], LIMIT).await?;
        task.read_exact(1, LIMIT).await?;
        Ok(is_resumed)
    }
}

async fn carry(task: &StreamTask, traffic: Traffic) -> Outcome<()> {
    match traffic {
        Traffic::RoundTrips(count) => round_trips(task, count).await?,
        Traffic::Bursts(count) => bursts(task, count).await?,
        Traffic::Down(length) => manners::expect(length, down(task).await?)?,
        Traffic::Up(blocks) => up(task, blocks).await?,
    }
    Ok(())
}

async fn round_trips(task: &StreamTask, count: usize) -> Result<(), Error> {
    let message = Bytes::from(vec![1; MESSAGE]);
    for _ in 0..count {
        task.write(message.clone(), LIMIT).await?;
        task.read_exact(MESSAGE, LIMIT).await?;
    }
    Ok(())
}

async fn bursts(task: &StreamTask, count: usize) -> Result<(), Error> {
    let morsel = Bytes::from(vec![1; MORSEL]);
    for _ in 0..count {
        let writes: Vec<_> = (0..BURST).map(|_| task.write(morsel.clone(), LIMIT)).collect();
        for write in writes {
            write.await?;
        }
        for _ in 0..BURST {
            task.read_exact(MORSEL, LIMIT).await?;
        }
    }
    Ok(())
}

async fn down(task: &StreamTask) -> Result<u64, Error> {
    let mut total = 0;
    loop {
        let read = task.read_data(1..=BLOCK, LIMIT).await?;
        total += read.data.len() as u64;
        if read.at_eof {
            return Ok(total);
        }
    }
}

async fn up(task: &StreamTask, blocks: u64) -> Result<(), Error> {
    let block = Bytes::from(vec![1; BLOCK]);
    for _ in 0..blocks {
        task.write(block.clone(), LIMIT).await?;
    }
    task.close_write();
    task.read_exact(1, LIMIT).await?;
    Ok(())
}

/// As long as the peer's operations may take.
const LIMIT: Duration = Duration::from_secs(30);
