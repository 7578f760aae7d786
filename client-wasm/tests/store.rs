//! The store in a browser's `IndexedDB`.
#![cfg(target_arch = "wasm32")]

use client_wasm::store::{IndexedDb, Record, Store};
use js_sys::{Array, Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn record(key: u8, session: Option<&str>) -> Record {
    Record {
        key: vec![key; 48],
        made_at: 1.8e12,
        session: session.map(Into::into),
        evaluation_keys: "{}".into(),
    }
}

/// Names of the databases that the browser stores for this page.
async fn databases() -> Vec<String> {
    let factory = Reflect::get(&js_sys::global(), &"indexedDB".into()).unwrap();
    let list: js_sys::Function = Reflect::get(&factory, &"databases".into())
        .unwrap()
        .unchecked_into();
    let list: Promise = list.call0(&factory).unwrap().unchecked_into();
    let list: Array = JsFuture::from(list).await.unwrap().unchecked_into();
    let name = |one: JsValue| Reflect::get(&one, &"name".into()).unwrap();
    list.iter()
        .map(|one| name(one).as_string().unwrap())
        .collect()
}

/// All of it in one test, since all tests of a page share its store.
#[wasm_bindgen_test]
async fn records_stay_until_they_are_deleted() {
    let store = IndexedDb;
    store.clear().await.unwrap();
    assert!(store.get("one").await.unwrap().is_none());
    assert!(store.all().await.unwrap().is_empty());
    let trace: Vec<String> = databases().await;
    assert!(trace.is_empty(), "looking left {trace:?}");

    let (one, two) = (record(1, Some("5e55")), record(2, None));
    store.put("one", &one).await.unwrap();
    store.put("two", &two).await.unwrap();
    assert!(store.get("one").await.unwrap() == Some(one));
    assert!(store.get("two").await.unwrap() == Some(two));
    assert!(store.get("three").await.unwrap().is_none());
    assert_eq!(store.all().await.unwrap().len(), 2);
    assert_eq!(databases().await.len(), 1);

    let newer = record(3, Some("5e56"));
    store.put("one", &newer).await.unwrap();
    assert!(IndexedDb.get("one").await.unwrap() == Some(newer));
    assert_eq!(store.all().await.unwrap().len(), 2);

    store.clear().await.unwrap();
    assert!(store.get("one").await.unwrap().is_none());
    assert!(databases().await.is_empty());
    store.clear().await.unwrap();
}
