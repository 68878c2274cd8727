// SPDX-License-Identifier: Apache-2.0
// The first generation of the provider's Node SDK (2.0.1, still installed in old services) against the emulator.
// Its package has no tests of its own. What it offers and the API no longer has (`/tokens`, `/account`) is left out.
//
//   node first_sdk.cjs REPORT    with BASE_URI and API_KEY in the environment, and the test files in the folder

"use strict";

const assert = require("node:assert/strict");
const { Client } = require("@api.video/nodejs-sdk");
const { runSuite } = require("./suite.cjs");

const client = new Client({ apiKey: process.env.API_KEY, baseUri: process.env.BASE_URI });
const PART = 5 * 1024 * 1024;
let video;
let player;
let live;

const tests = {
  async "the first call gets a 401 and trades the key for a token"() {
    assert.equal(client.browser.accessToken, null);
    video = await client.videos.create("First generation", { tags: ["old"], public: true });
    assert.ok(client.browser.accessToken.length > 0);
    assert.ok(video.videoId.startsWith("vi"));
    assert.equal(video.title, "First generation");
    assert.deepEqual(video.tags, ["old"]);
  },

  async "a dead token is traded anew, and the call sent again"() {
    client.browser.headers.Authorization = "Bearer fake-token-that-nobody-gave-out";
    const read = await client.videos.get(video.videoId);
    assert.equal(read.videoId, video.videoId);
  },

  async "a small file in one request"() {
    const uploaded = await client.videos.upload("558k.mp4", {}, video.videoId);
    assert.equal(uploaded.videoId, video.videoId);
  },

  async "a file that is cut at 64 MiB, with a smaller cut: byte ranges one after another"() {
    // The SDK's own loop sends all ranges at once and ends only by a header that the service no longer sends, so that
    // the ranges are sent through its browser, as its loop builds them.
    const created = await client.videos.create("In ranges");
    const names = ["10m.mp4.part.a", "10m.mp4.part.b", "10m.mp4.part.c"];
    const size = require("node:fs").statSync("10m.mp4").size;
    let from = 0;
    let response;
    for (const name of names) {
      const length = require("node:fs").statSync(name).size;
      const range = { "Content-Range": `bytes ${from}-${from + length - 1}/${size}` };
      response = await client.browser.submit(`/videos/${created.videoId}/source`, name, range);
      assert.ok(client.browser.isSuccessfull(response), `${response.statusCode}`);
      from += length;
    }
    assert.equal(from, size);
    assert.ok(names.length === 3 && from > 2 * PART);
    assert.equal(response.body.videoId, created.videoId);
  },

  async "a second source is refused, with the provider's words"() {
    const refused = await client.browser.submit(`/videos/${video.videoId}/source`, "558k.mp4");
    assert.equal(refused.statusCode, 400);
    assert.ok(refused.body.title.length > 0);
  },

  async "update, private, public"() {
    const updated = await client.videos.update(video.videoId, { title: "Renamed", description: "A description" });
    assert.equal(updated.title, "Renamed");
    assert.equal((await client.videos.makePrivate(video.videoId)).public, false);
    assert.equal((await client.videos.makePublic(video.videoId)).public, true);
  },

  async "a picture and a moment as thumbnail"() {
    const pictured = await client.videos.uploadThumbnail("test.jpg", video.videoId);
    assert.equal(pictured.videoId, video.videoId);
    const moment = await client.videos.updateThumbnailWithTimecode(video.videoId, "00:00:00.10");
    assert.equal(moment.videoId, video.videoId);
  },

  async "one page of a search"() {
    const found = await client.videos.search({ currentPage: 1, pageSize: 25, title: "Renamed" });
    assert.deepEqual(found.map((one) => one.videoId), [video.videoId]);
  },

  async "captions: upload, read, list, default, delete"() {
    const place = { videoId: video.videoId, language: "en" };
    const uploaded = await client.captions.upload("en.vtt", place);
    assert.equal(uploaded.srclang, "en");
    assert.equal((await client.captions.get(video.videoId, "en")).srclang, "en");
    assert.equal((await client.captions.updateDefault(video.videoId, "en", true)).default, true);
    assert.equal(await client.captions.delete(video.videoId, "en"), 204);
  },

  async "players: create, read, update, search, delete"() {
    player = await client.players.create({ enableControls: true });
    assert.equal((await client.players.get(player.playerId)).enableControls, true);
    assert.equal((await client.players.update(player.playerId, { enableControls: false })).enableControls, false);
    const found = await client.players.search({ currentPage: 1, pageSize: 100 });
    assert.ok(found.some((one) => one.playerId === player.playerId));
    assert.equal(await client.players.delete(player.playerId), 204);
  },

  async "live streams: create, read, update, search, delete"() {
    live = await client.lives.create("On air", { record: true });
    assert.equal((await client.lives.get(live.liveStreamId)).name, "On air");
    assert.equal((await client.lives.update(live.liveStreamId, { name: "Off air" })).name, "Off air");
    const found = await client.lives.search({ currentPage: 1, pageSize: 100 });
    assert.ok(found.some((one) => one.liveStreamId === live.liveStreamId));
    assert.equal(await client.lives.delete(live.liveStreamId), 204);
  },

  async "what is not there is a 404 in the provider's words"() {
    await assert.rejects(client.videos.get("vi0000000000000000000000"), (refused) => {
      assert.equal(refused.statusCode, 404);
      assert.ok(refused.body.title.length > 0);
      return true;
    });
  },

  async "delete"() {
    assert.equal(await client.videos.delete(video.videoId), 204);
  },
};

runSuite(tests, process.argv[2]);
