// A program with the official Node SDK: makes an image, polls its operation, and prints what it got as JSON.
// Without ENDPOINT and CA, the SDK has its own addresses and certificates.
const { readFileSync } = require("node:fs");
const { Session } = require("@yandex-cloud/nodejs-sdk");
const { imageService, image } = require("@yandex-cloud/nodejs-sdk/compute-v1");
const { operationService } = require("@yandex-cloud/nodejs-sdk/operation");

async function main() {
  const { ENDPOINT, CA, IAM_TOKEN, FOLDER_ID, NAME } = process.env;
  const session = new Session({ iamToken: IAM_TOKEN, ...(CA && { ssl: { rootCerts: readFileSync(CA) } }) });
  const images = session.client(imageService.ImageServiceClient, ENDPOINT);
  const operations = session.client(operationService.OperationServiceClient, ENDPOINT);
  try {
    let operation = await images.create(
      imageService.CreateImageRequest.fromPartial({ folderId: FOLDER_ID, name: NAME, diskId: "epd0000000000000000a" }),
    );
    while (!operation.done) {
      operation = await operations.get(
        operationService.GetOperationRequest.fromPartial({ operationId: operation.id }),
      );
    }
    const made = image.Image.decode(operation.response.value);
    console.log(JSON.stringify({ id: made.id, name: made.name, status: made.status }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, details: error.details ?? error.message }));
  }
}

main().then(() => process.exit(0));
