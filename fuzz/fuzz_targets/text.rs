//! Small texts from outside: a range of layers in a query, and what a server's headers and JSON say.
#![no_main]

use client::manners::{MAX_PAUSE, asked, evaluation_time, in_words, pause};
use client::models::{choose, nearest};
use libfuzzer_sys::fuzz_target;
use shared::api::{LayerRange, ModelList, ModelSummary, Problem, SessionInfo, UploadInfo};

fuzz_target!(init: fuzz::seeds(seeds), |bytes: &[u8]| run(bytes));

fn run(bytes: &[u8]) {
    if let Ok(list) = serde_json::from_slice::<ModelList>(bytes) {
        let _ = choose(&list.models, None);
        let _ = nearest(&list.models, "mnist");
    }
    let _ = serde_json::from_slice::<Problem>(bytes);
    let _ = serde_json::from_slice::<SessionInfo>(bytes);
    let _ = serde_json::from_slice::<UploadInfo>(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if let Ok(range) = text.parse::<LayerRange>() {
        assert!(range.start() < range.end());
        assert_eq!(range.to_string().parse(), Ok(range));
    }
    let wanted = asked(Some(text));
    if let Some(pause) = pause(1, wanted) {
        assert!(pause <= MAX_PAUSE && wanted.is_none_or(|wanted| wanted <= pause));
    }
    let _ = wanted.map(in_words);
    let _ = evaluation_time(text);
}

fn seeds() -> Vec<Vec<u8>> {
    let model = |id: &str| ModelSummary {
        id: id.to_owned(),
        description: "one".to_owned(),
        input_shape: vec![1, 28, 28],
    };
    let list = ModelList {
        api_version: shared::api::API_VERSION,
        models: ["lenet1", "mnist-fast"].map(model).to_vec(),
    };
    let problem = Problem {
        kind: shared::api::PROBLEM_SESSION_GONE.to_owned(),
        title: "gone".to_owned(),
        status: 410,
        detail: "send the keys again".to_owned(),
    };
    let session = SessionInfo {
        id: "00112233445566778899aabbccddeeff".to_owned(),
        expires_in_s: 3600,
        key_bytes: 1,
    };
    let json = [
        serde_json::to_vec(&list),
        serde_json::to_vec(&problem),
        serde_json::to_vec(&session),
    ];
    let texts = ["0..3", "17", "queue;dur=3, evaluate;desc=\"x\"; dur=1.75"];
    let json = json.map(|json| json.expect("can be written"));
    json.into_iter()
        .chain(texts.map(|text| text.as_bytes().to_vec()))
        .collect()
}
