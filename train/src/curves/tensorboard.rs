//! Event files for `TensorBoard`.
//!
//! A file is a sequence of records: length, checksum of the length, content, checksum of the
//! content; each content is one protobuf `Event`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use prost::Message;

use crate::training::Epoch;

/// `Event` of `TensorFlow`'s `event.proto`, as far as scalars need it.
#[derive(Clone, PartialEq, Message)]
struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    /// Only in the first event.
    #[prost(string, optional, tag = "3")]
    file_version: Option<String>,
    #[prost(message, optional, tag = "5")]
    summary: Option<Summary>,
}

/// `Summary` of `summary.proto`.
#[derive(Clone, PartialEq, Message)]
struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

/// `Summary.Value` of `summary.proto`.
#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(float, optional, tag = "2")]
    simple_value: Option<f32>,
}

/// An event file that is being written.
pub struct EventFile(File);

impl EventFile {
    /// Starts a file in a directory, which is made if it isn't there.
    ///
    /// # Errors
    /// What the system says.
    pub fn create(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        let now = now();
        let mut file = Self(File::create(
            directory.join(format!("events.out.tfevents.{now:.0}.inkveil")),
        )?);
        let file_version = Some("brain.Event:2".to_owned());
        file.record(&Event {
            wall_time: now,
            file_version,
            ..Event::default()
        })?;
        Ok(file)
    }

    /// Adds an epoch's figures.
    ///
    /// # Errors
    /// What the system says.
    pub fn add(&mut self, epoch: &Epoch) -> io::Result<()> {
        let figures = [
            ("loss/train", epoch.train_loss),
            ("loss/test", epoch.test_loss),
            ("accuracy/train", epoch.train_accuracy),
            ("accuracy/test", epoch.test_accuracy),
            ("accuracy/test_prepared", epoch.prepared_accuracy),
            ("learning_rate", epoch.learning_rate),
        ];
        let value = |(tag, value): (&str, f64)| Value {
            tag: tag.to_owned(),
            simple_value: Some(value as f32),
        };
        let summary = Summary {
            value: figures.map(value).to_vec(),
        };
        let step = epoch.number as i64;
        self.record(&Event {
            wall_time: now(),
            step,
            summary: Some(summary),
            ..Event::default()
        })
    }

    fn record(&mut self, event: &Event) -> io::Result<()> {
        self.0.write_all(&frame(&event.encode_to_vec()))
    }
}

fn now() -> f64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}

fn frame(content: &[u8]) -> Vec<u8> {
    let length = (content.len() as u64).to_le_bytes();
    let [length_sum, content_sum] =
        [&length, content].map(|bytes| masked(crc32c(bytes)).to_le_bytes());
    [&length, &length_sum[..], content, &content_sum].concat()
}

/// Checksums of data that holds checksums are masked, or they would be too regular.
fn masked(sum: u32) -> u32 {
    sum.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// The Castagnoli checksum, bit by bit: the files are small.
fn crc32c(bytes: &[u8]) -> u32 {
    let shift = |sum: u32| {
        if sum & 1 == 1 {
            (sum >> 1) ^ 0x82f6_3b78
        } else {
            sum >> 1
        }
    };
    let step = |sum: u32, &byte: &u8| (0..8).fold(sum ^ u32::from(byte), |sum, _| shift(sum));
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn checksums_are_those_of_rfc_3720() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
        assert_eq!(crc32c(&[0; 32]), 0x8a91_36aa);
        assert_eq!(crc32c(&[255; 32]), 0x62a8_ab43);
    }

    /// Reads records, checking lengths and sums.
    fn records(mut bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        while !bytes.is_empty() {
            let (length, rest) = bytes.split_at(8);
            let (length_sum, rest) = rest.split_at(4);
            let count = u64::from_le_bytes(length.try_into().unwrap());
            let (content, rest) = rest.split_at(usize::try_from(count).unwrap());
            let (content_sum, rest) = rest.split_at(4);
            assert_eq!(length_sum, masked(crc32c(length)).to_le_bytes());
            assert_eq!(content_sum, masked(crc32c(content)).to_le_bytes());
            events.push(Event::decode(content).unwrap());
            bytes = rest;
        }
        events
    }

    #[test]
    fn epochs_are_read_again() {
        let directory = tempfile::tempdir().unwrap();
        let epoch = |number: usize| Epoch {
            number,
            of: 2,
            learning_rate: 0.25,
            train_loss: 2.0 / number as f64,
            train_accuracy: 0.5,
            test_loss: 1.5,
            test_accuracy: 0.75,
            prepared_accuracy: 0.875,
            elapsed: Duration::from_secs(1),
        };
        let mut file = EventFile::create(directory.path()).unwrap();
        file.add(&epoch(1)).unwrap();
        file.add(&epoch(2)).unwrap();

        let path = fs::read_dir(directory.path())
            .unwrap()
            .next()
            .unwrap()
            .unwrap()
            .path();
        let events = records(&fs::read(path).unwrap());
        assert_eq!(events.len(), 3);
        assert_eq!(events[0].file_version.as_deref(), Some("brain.Event:2"));
        assert_eq!((events[1].step, events[2].step), (1, 2));
        let value = |event: &Event, tag: &str| {
            let values = &event.summary.as_ref().unwrap().value;
            values
                .iter()
                .find(|value| value.tag == tag)
                .unwrap()
                .simple_value
        };
        assert_eq!(value(&events[1], "loss/train"), Some(2.0));
        assert_eq!(value(&events[2], "loss/train"), Some(1.0));
        assert_eq!(value(&events[2], "accuracy/test_prepared"), Some(0.875));
        assert_eq!(value(&events[2], "learning_rate"), Some(0.25));
    }
}
