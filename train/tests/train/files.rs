//! Directories that hold no MNIST.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;
use train::mnist::Mnist;

fn gzip(path: &Path, content: &[u8]) {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).unwrap();
    fs::write(path, encoder.finish().unwrap()).unwrap();
}

fn images(rows: u8, count: u8) -> Vec<u8> {
    let header = [0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, rows, 0, 0, 0, 28];
    let pixels = usize::from(rows) * 28 * usize::from(count);
    [&header[..], &vec![7; pixels]].concat()
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let count = u8::try_from(labels.len()).unwrap();
    [&[0, 0, 8, 1, 0, 0, 0, count][..], labels].concat()
}

/// Writes two good images and labels for each set, then spoils something.
fn load(spoil: impl FnOnce(&Path)) -> Result<Mnist, String> {
    let directory = tempfile::tempdir().unwrap();
    for set in ["train", "t10k"] {
        gzip(
            &directory.path().join(format!("{set}-images-idx3-ubyte.gz")),
            &images(28, 2),
        );
        gzip(
            &directory.path().join(format!("{set}-labels-idx1-ubyte.gz")),
            &labels(&[3, 9]),
        );
    }
    spoil(directory.path());
    let prefix = format!("{}/", directory.path().display());
    Mnist::load(directory.path()).map_err(|error| error.to_string().replace(&prefix, ""))
}

#[test]
fn good_files_are_read() {
    let mnist = load(|_| {}).unwrap();
    assert_eq!(mnist.train.images, [[7; 784]; 2]);
    assert_eq!(mnist.test.labels, [3, 9]);
}

#[track_caller]
fn check(spoil: impl FnOnce(&Path), expected: &str) {
    let error = load(spoil).unwrap_err();
    assert!(error.starts_with(expected), "{error}");
}

#[test]
fn bad_files_are_named() {
    let image_file = "train-images-idx3-ubyte.gz";
    let label_file = "t10k-labels-idx1-ubyte.gz";
    check(
        |directory| fs::remove_file(directory.join(image_file)).unwrap(),
        "train-images-idx3-ubyte.gz: No such file",
    );
    check(
        |directory| fs::write(directory.join(image_file), "not compressed").unwrap(),
        "train-images-idx3-ubyte.gz: invalid gzip header",
    );
    check(
        |directory| gzip(&directory.join(image_file), b"\0\0\x0d\x01\0\0\0\0"),
        "train-images-idx3-ubyte.gz: element type 0x0d is not supported",
    );
    check(
        |directory| gzip(&directory.join(image_file), &images(32, 2)),
        "train-images-idx3-ubyte.gz: dimensions [2, 32, 28], expected [at least 1, 28, 28]",
    );
    check(
        |directory| gzip(&directory.join(image_file), &images(28, 0)),
        "train-images-idx3-ubyte.gz: dimensions [0, 28, 28], expected [at least 1, 28, 28]",
    );
    check(
        |directory| gzip(&directory.join(label_file), &labels(&[1, 2, 3])),
        "t10k-labels-idx1-ubyte.gz: dimensions [3], expected [2], one for each image",
    );
    check(
        |directory| gzip(&directory.join(label_file), &labels(&[1, 10])),
        "t10k-labels-idx1-ubyte.gz: label 1 is 10; digits end at 9",
    );
    check(
        |directory| gzip(&directory.join(label_file), &labels(&[1, 2])[..9]),
        "t10k-labels-idx1-ubyte.gz: dimensions [2] need 2 bytes, found 1",
    );
}
