// Browsers start no worker for pages that were opened from a folder. There, run the search in a hidden frame instead.
if (location.protocol === "file:") {
  window.Worker = class {
    onmessage = null;
    onerror = null;
    #frame = document.createElement("iframe");
    #started;

    constructor(address) {
      this.#frame.hidden = true;
      this.#frame.srcdoc = "<!doctype html>";
      this.#started = new Promise((resolve, reject) => {
        this.#frame.onload = () => {
          const script = this.#frame.contentDocument.createElement("script");
          this.#frame.contentWindow.postMessage = (data) => this.#later(() => this.onmessage?.({ data: structuredClone(data) }));
          Object.assign(script, { src: address, onload: resolve, onerror: reject });
          this.#frame.contentDocument.body.append(script);
        };
      });
      this.#started.catch((error) => this.onerror?.(error));
      document.documentElement.append(this.#frame);
    }

    postMessage(data) {
      const copy = structuredClone(data);
      this.#started.then(() => this.#later(() => this.#frame.contentWindow?.onmessage({ data: copy })));
    }

    // As with a worker, nobody gets a message while it sends one, and nobody gets the sender's own object.
    #later(deliver) {
      setTimeout(deliver);
    }

    terminate() {
      this.#frame.remove();
    }
  };
}
