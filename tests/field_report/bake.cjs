// A command with the official Node SDK, as its documentation shows it: makes an image, and waits for it for 30 polls.
const { readFileSync } = require("node:fs");
const { Session, waitForOperation } = require("@yandex-cloud/nodejs-sdk");
const { imageService } = require("@yandex-cloud/nodejs-sdk/compute-v1");

async function main() {
  const { YCIMAGES_URL, YC_TOKEN, YC_FOLDER_ID, CA } = process.env;
  const endpoint = YCIMAGES_URL.replace("http://", "");
  const session = new Session({ iamToken: YC_TOKEN, pollInterval: 100, ssl: { rootCerts: readFileSync(CA) } });
  const images = session.client(imageService.ImageServiceClient, endpoint);
  const asked = { folderId: YC_FOLDER_ID, name: "base", diskId: "epd0000000000000000a" };
  const operation = await images.create(imageService.CreateImageRequest.fromPartial(asked));
  const done = await waitForOperation(operation, session, 3000, endpoint);
  console.log(imageService.CreateImageMetadata.decode(done.metadata.value).imageId);
}

main().then(() => process.exit(0), (error) => { console.error(error.message); process.exit(1); });
