// SPDX-License-Identifier: Apache-2.0
// The provider's official browser uploader (1.1.6) against the emulator, in jsdom, which has a browser's requests and
// forms. The uploader speaks https only: a proxy on this machine ends TLS with a certificate made for this run.
//
//   node uploader.cjs REPORT CERTIFICATE    with BASE_URI, API_KEY and NODE_EXTRA_CA_CERTS in the environment

"use strict";

const assert = require("node:assert/strict");
const fs = require("node:fs");
const http = require("node:http");
const https = require("node:https");
const { JSDOM } = require("jsdom");
const { runSuite } = require("./suite.cjs");

const [report, certificateFile] = process.argv.slice(2);
const pair = fs.readFileSync(certificateFile); // the certificate, and its key after it
const PART = 5 * 1024 * 1024;
const API_KEY = process.env.API_KEY;
const target = new URL(process.env.BASE_URI);
const seen = [];
let failures = 0;

const proxy = https.createServer(
  { cert: pair, key: pair },
  (request, response) => {
    seen.push(`${request.method} ${request.url.split("?")[0]} ${request.headers["content-range"] || ""}`.trim());
    if (failures > 0 && request.method === "POST") {
      failures -= 1;
      request.resume();
      request.on("end", () => response.writeHead(503, { "access-control-allow-origin": "*" }).end("busy"));
      return;
    }
    const options = { host: target.hostname, port: target.port, path: request.url, method: request.method };
    const onward = http.request({ ...options, headers: request.headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  },
);

// A token for calls of this script, and the objects that the uploads need.
async function api(method, path, body, authorization) {
  const headers = { "content-type": "application/json" };
  headers.authorization = authorization || `Basic ${Buffer.from(`${API_KEY}:`).toString("base64")}`;
  const response = await fetch(target.origin + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${text}`);
  return text === "" ? null : JSON.parse(text);
}

function movie(window, name) {
  return new window.File([new Uint8Array(fs.readFileSync(name))], name, { type: "video/mp4" });
}

proxy.listen(0, "127.0.0.1", () => {
  const apiHost = `127.0.0.1:${proxy.address().port}`;
  const { window } = new JSDOM("", { url: `https://${apiHost}/`, pretendToBeVisual: false });
  Object.assign(globalThis, {
    window,
    document: window.document,
    File: window.File,
    Blob: window.Blob,
    FormData: window.FormData,
    XMLHttpRequest: window.XMLHttpRequest,
  });
  const { VideoUploader, ProgressiveUploader } = require("@api.video/video-uploader");
  const quick = (count, error) => (error.status >= 400 && error.status < 500) || count > 3 ? null : 1;
  const created = () => api("POST", "/videos", { title: "From a browser" });
  const parts = () => seen.splice(0).filter((line) => line.includes("part "));

  const tests = {
    async "delegated: an upload token, three parts, one video"() {
      const { token } = await api("POST", "/upload-tokens", {});
      parts();
      const uploader = new VideoUploader({ file: movie(window, "10m.mp4"), uploadToken: token, apiHost, chunkSize: PART });
      const progress = [];
      uploader.onProgress((event) => progress.push(event));
      const video = await uploader.upload();
      assert.deepEqual(parts().map((line) => line.replace(/^.*part /, "")), ["1/3", "2/3", "3/3"]);
      assert.ok((await api("GET", `/videos/${video.videoId}/status`)).ingest.status !== "missing");
      assert.equal(progress.at(-1).totalBytes, fs.statSync("10m.mp4").size);
    },

    async "delegated: a small file in one part"() {
      const { token } = await api("POST", "/upload-tokens", {});
      parts();
      const video = await new VideoUploader({ file: movie(window, "558k.mp4"), uploadToken: token, apiHost }).upload();
      assert.equal(parts().length, 1);
      assert.ok(video.videoId.startsWith("vi"));
    },

    async "with the API key, into a video that is there"() {
      const { videoId } = await created();
      const video = await new VideoUploader({ file: movie(window, "558k.mp4"), apiKey: API_KEY, videoId, apiHost }).upload();
      assert.equal(video.videoId, videoId);
    },

    async "with an access token; a dead one is refreshed and the part sent again"() {
      const { videoId } = await created();
      const { refresh_token: refreshToken } = await api("POST", "/auth/api-key", { apiKey: API_KEY });
      const access = { accessToken: "fake-token-that-nobody-gave-out", refreshToken };
      seen.splice(0);
      const video = await new VideoUploader({ file: movie(window, "558k.mp4"), ...access, videoId, apiHost }).upload();
      assert.equal(video.videoId, videoId);
      assert.ok(seen.some((line) => line.startsWith("POST /auth/refresh")));
    },

    async "progressive: parts of unknown number, and the last"() {
      const { token } = await api("POST", "/upload-tokens", {});
      parts();
      const uploader = new ProgressiveUploader({ uploadToken: token, apiHost });
      for (const name of ["10m.mp4.part.a", "10m.mp4.part.b"]) {
        await uploader.uploadPart(movie(window, name));
      }
      const video = await uploader.uploadLastPart(movie(window, "10m.mp4.part.c"));
      assert.deepEqual(parts().map((line) => line.replace(/^.*part /, "")), ["1/*", "2/*", "3/3"]);
      assert.ok(video.videoId.startsWith("vi"));
    },

    async "a 503 is tried again, and the video is made once"() {
      const { token } = await api("POST", "/upload-tokens", {});
      const before = (await api("GET", "/videos?pageSize=1")).pagination.itemsTotal;
      failures = 2;
      const options = { file: movie(window, "558k.mp4"), uploadToken: token, apiHost, retryStrategy: quick };
      await new VideoUploader(options).upload();
      assert.equal(failures, 0);
      assert.equal((await api("GET", "/videos?pageSize=1")).pagination.itemsTotal, before + 1);
    },

    async "an unknown upload token is refused in the provider's words, and not tried again"() {
      seen.splice(0);
      const options = { file: movie(window, "558k.mp4"), uploadToken: "to0000000000000000000000", apiHost };
      await assert.rejects(new VideoUploader(options).upload(), (refused) => {
        assert.ok(refused.status >= 400 && refused.status < 500, JSON.stringify(refused));
        assert.ok(refused.title.length > 0);
        return true;
      });
      assert.equal(parts().length, 1);
    },

    async "with names of the application and of an SDK"() {
      const { videoId } = await created();
      const origin = { application: { name: "desk", version: "1.2" }, sdk: { name: "recorder", version: "3.0.1" } };
      const options = { file: movie(window, "558k.mp4"), apiKey: API_KEY, videoId, apiHost, origin };
      assert.equal((await new VideoUploader(options).upload()).videoId, videoId);
    },
  };
  runSuite(tests, report);
});
