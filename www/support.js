// Says why the page doesn't start: a browser that lacks something, or a download that failed.
//
// All words stand in index.html; this shows the right ones. Written for the browsers that lack
// things, so in the JavaScript of 2009. A browser that only lacks module workers runs the page,
// which says so itself.
//
// Invariant: once the page runs, nothing here changes anything.
(function () {
  'use strict';

  // A download that takes longer than this is worth a word.
  var PATIENCE_MS = 20000;

  // (module (func (result v128) (i8x16.popcnt (i8x16.splat (i32.const 0)))))
  var MODULE = [
    0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15,
    253, 98, 11
  ];

  function hasSimd() {
    return typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(MODULE));
  }

  function show(name) {
    var words = document.querySelectorAll('.loading [role=status] > *');
    for (var at = 0; at < words.length; at += 1) {
      words[at].hidden = words[at].className.indexOf(name) < 0;
    }
  }

  if (!hasSimd()) {
    show('unsupported');
    return;
  }

  document.querySelector('.loading button').addEventListener('click', function () {
    location.reload();
  });
  function fail() {
    show('failed');
  }
  var timer = setTimeout(fail, PATIENCE_MS);
  // Files that don't load tell only the element; such events are seen on their way down.
  addEventListener('error', fail, true);
  addEventListener('unhandledrejection', fail);
  addEventListener('TrunkApplicationStarted', function () {
    clearTimeout(timer);
    removeEventListener('error', fail, true);
    removeEventListener('unhandledrejection', fail);
  });
})();
