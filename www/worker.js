// Starts the page's program once more, in a worker, where it holds the secret key.
//
// The page sends the program, which it has compiled already, and the address of its script. All it
// says after that is meant for the program.
//
// Invariant: pages of earlier builds may start this one, so what they send has to stay the same.
addEventListener('message', start, { once: true });

async function start({ data: { script, program } }) {
  try {
    const { default: run } = await import(new URL(script, import.meta.url));
    await run({ module_or_path: program });
  } catch (error) {
    // The page hears of errors, not of promises.
    setTimeout(() => {
      throw error;
    });
  }
}
