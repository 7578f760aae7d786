//! Tokens in the page's address and in the tab's storage.

use client_wasm::token;
use wasm_bindgen_test::wasm_bindgen_test;

/// The page's address from the path on.
fn address() -> String {
    let location = web_sys::window().unwrap().location();
    [location.pathname(), location.search(), location.hash()]
        .map(Result::unwrap)
        .concat()
}

/// Opens the page by this fragment; says what each request would carry.
fn opened_by(fragment: &str) -> Option<String> {
    let location = web_sys::window().unwrap().location();
    location.set_hash(fragment).unwrap();
    token::find();
    token::header()
}

/// One test, since all share an address and a tab.
#[wasm_bindgen_test]
fn a_token_leaves_the_address_and_stays_in_the_tab() {
    // What runs the tests has a fragment of its own.
    assert_eq!(opened_by(""), None);
    let before = address();
    assert!(!before.contains('#'), "{before}");
    assert_eq!(opened_by("token=a%20b"), None);
    assert_eq!(address(), before, "no token, and gone all the same");

    let bearer = |token: &str| Some(format!("Bearer {token}"));
    assert_eq!(opened_by("token=a-b.c=="), bearer("a-b.c=="));
    assert_eq!(address(), before);
    assert_eq!(opened_by("token=d%3D%3D"), bearer("d=="), "the newer one");
    assert_eq!(opened_by(""), bearer("d=="), "from the tab's storage");
    assert_eq!(opened_by("token="), bearer("d=="), "nothing better came");
    assert_eq!(address(), before);

    let storage = web_sys::window().unwrap().session_storage();
    let storage = storage.unwrap().unwrap();
    assert_eq!(storage.length(), Ok(1));
    let name = storage.key(0).unwrap().unwrap();
    let path = web_sys::window().unwrap().location().pathname().unwrap();
    assert_eq!(name, format!("inkveil token {path}"), "for this path only");
    // A place in the page is no token.
    assert_eq!(opened_by("keys"), bearer("d=="));
    assert!(address().ends_with("#keys"));
    storage.clear().unwrap();
    assert_eq!(opened_by(""), None);
}
