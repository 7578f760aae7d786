//! Which model, and what its first layers compute.

use anyhow::{Context, Result};
use evaluator::server::models::read_network;
use serde_json::Value;
use tempfile::tempdir;
use tests::digits::Hand;
use tests::drawings::{mnist, save};
use tests::samples::{FIVES, PHOTOS, THREES, beside_the_fast_one};
use tests::server::Server;

use super::{read, refused};

#[test]
fn models_are_listed_and_chosen_by_their_ids() -> Result<()> {
    let (models, directory) = (beside_the_fast_one(&[PHOTOS, THREES])?, tempdir()?);
    let server = Server::start_with(models.path(), None, None)?;
    let (url, directory) = (server.url(""), directory.path());
    save(&directory.join("7.png"), 7, &Hand::default())?;

    let text = read(directory, ["models", "--server", &url])?;
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("* mnist-fast  1×28×28  "), "{text}");
    assert_eq!(
        lines[1],
        "  photos      3×8×8    Takes small colour photographs."
    );
    assert_eq!(
        lines[2],
        "  threes      1×28×28  Says three, whatever is drawn."
    );
    let document: Value =
        serde_json::from_str(&read(directory, ["models", "--server", &url, "--json"])?)?;
    assert_eq!(document["models"][2]["id"], "threes");

    let classify = |model: &str| {
        let args = [
            "classify", "--server", &url, "--json", "--model", model, "7.png",
        ];
        let document: Value = serde_json::from_str(&read(directory, args)?)?;
        let class = document["images"][0]["class"].as_str();
        anyhow::Ok(class.context("a class")?.to_owned())
    };
    assert_eq!(classify("mnist-fast")?, "7");
    assert_eq!(classify("threes")?, "3");

    let model = |model: &str| {
        let args = ["classify", "--server", &url, "--model", model, "7.png"];
        refused(directory, args)
    };
    assert_eq!(
        model("tree")?,
        format!("{url}: no model is called \"tree\"; the nearest are threes, photos, mnist-fast")
    );
    assert_eq!(
        model("photos")?,
        "model photos takes input of sizes [3, 8, 8]; this program prepares images of 28×28"
    );
    Ok(())
}

#[test]
fn the_first_layers_values_are_those_of_the_plain_network() -> Result<()> {
    let (models, directory) = (beside_the_fast_one(&[FIVES])?, tempdir()?);
    let flags = ["--allow-layer-ranges"];
    let server = Server::start_with_flags(models.path(), None, None, &flags)?;
    let (url, directory) = (server.url(""), directory.path());
    let pixels = mnist(4, &Hand::default())?;
    let idx = tests::drawings::idx(&[1, 28, 28], &pixels);
    std::fs::write(directory.join("four.idx"), idx)?;
    let network = read_network(&models.path().join("fives.onnx"))?;
    let prepare = |&pixel: &u8| network.preparation.apply(f64::from(pixel) / 255.0);
    let input: Vec<f64> = pixels.iter().map(prepare).collect();

    let values = ["values", "--server", &url, "--model", "fives", "--layers"];
    for steps in 1..=network.steps() {
        let layers = format!("0..{steps}");
        let args = values
            .into_iter()
            .chain([layers.as_str(), "--json", "four.idx"]);
        let document: Value = serde_json::from_str(&read(directory, args)?)?;
        assert_eq!(document["layers"], layers.as_str());
        let found = document["images"][0]["values"]
            .as_array()
            .context("values")?;
        let prefix = network.prefix(steps).context("a prefix")?;
        let expected = prefix.evaluate(&input);
        assert_eq!(found.len(), expected.len(), "{layers}");
        let largest = expected.iter().fold(0.0, |most: f64, x| most.max(x.abs()));
        for (found, expected) in found.iter().zip(&expected) {
            let found = found.as_f64().context("a number")?;
            let off = (found - expected).abs();
            assert!(off < largest / 32.0, "{layers}: {found}, not {expected}");
        }
    }

    let text = read(directory, values.into_iter().chain(["0..2", "four.idx"]))?;
    assert_eq!(
        text.lines().count(),
        17,
        "a name and sixteen values: {text}"
    );
    assert!(text.starts_with("four.idx\n     0 "), "{text}");

    let said = refused(directory, values.into_iter().chain(["0..9", "four.idx"]))?;
    let expected = format!(
        "{url} refused: Bad layers (400): layers 0..9 of model fives can't be evaluated: it has 3 \
         steps, and a range begins with the first, so that 0..1 to 0..3 are possible"
    );
    assert_eq!(said, expected);
    let closed = Server::start_with(models.path(), None, None)?;
    let url = closed.url("");
    let args = ["values", "--server", &url, "--layers", "0..1", "four.idx"];
    let said = refused(directory, args)?;
    assert!(said.contains("Layers not allowed (403)"), "{said}");
    assert!(said.contains("--allow-layer-ranges"), "{said}");
    Ok(())
}

#[test]
fn the_first_layers_values_come_through_files_too() -> Result<()> {
    let (models, directory) = (beside_the_fast_one(&[THREES])?, tempdir()?);
    let flags = ["--allow-layer-ranges"];
    let server = Server::start_with_flags(models.path(), None, None, &flags)?;
    let (url, directory) = (server.url(""), directory.path());
    let describe = ["describe", "--server", &url, "--model", "threes"];
    let layers = ["--layers", "0..1", "--out", "layers.json"];
    read(directory, describe.into_iter().chain(layers))?;
    let described: Value = serde_json::from_slice(&std::fs::read(directory.join("layers.json"))?)?;
    assert_eq!(described["layers"], "0..1");
    assert_eq!(
        described["output"]["classes"].as_array().map(Vec::len),
        Some(16)
    );
    Ok(())
}
