// What grpc-js sees of a fault: for each line of JSON with an address, a token and a patience, one create over a channel
// that has served a call, and a line with its status or its answer.
const readline = require("node:readline");
const grpc = require("@grpc/grpc-js");
const { imageService } = require("@yandex-cloud/nodejs-sdk/compute-v1");
const { operation } = require("@yandex-cloud/nodejs-sdk/operation");

const { CreateImageRequest, ListImagesRequest, ListImagesResponse } = imageService;
const PATH = "/yandex.cloud.compute.v1.ImageService/";

function call(client, metadata, seconds, name, asks, answers, fields) {
  return new Promise((resolve) => {
    const deadline = Date.now() + seconds * 1000;
    const write = (message) => Buffer.from(asks.encode(message).finish());
    client.makeUnaryRequest(
      PATH + name, write, (data) => answers.decode(data), asks.fromPartial(fields), metadata, { deadline },
      (error, answer) => resolve(error ? grpc.status[error.code] : answer ? "OK" : "OK, no message"),
    );
  });
}

async function seen({ endpoint, token, folder, disk, patience }) {
  const client = new grpc.Client(endpoint, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set("authorization", `Bearer ${token}`);
  await call(client, metadata, 20, "List", ListImagesRequest, ListImagesResponse, { folderId: folder });
  const asked = { folderId: folder, diskId: disk };
  const answer = await call(client, metadata, patience, "Create", CreateImageRequest, operation.Operation, asked);
  client.close();
  return answer;
}

readline.createInterface({ input: process.stdin }).on("line", async (line) => console.log(await seen(JSON.parse(line))));
