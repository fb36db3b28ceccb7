// A program with one of the SDKs of Node: makes an image, polls its operation, and prints what it got as JSON. Without
// ENDPOINT and CA, the first two use the service's own host names; without IAM_TOKEN, the first has that of an instance.
const Module = require("node:module");
const { readFileSync } = require("node:fs");

const { SDK, ENDPOINT, CA, IAM_TOKEN, FOLDER_ID, NAME } = process.env;
const ssl = CA ? { rootCerts: readFileSync(CA) } : undefined;
const asked = { folderId: FOLDER_ID, name: NAME, diskId: "epd0000000000000000a" };

// Each returns the functions that make an image, look at its operation, and read the image in it.
const SDKS = {
  "@yandex-cloud/nodejs-sdk@3": async () => {
    const { Session } = require("@yandex-cloud/nodejs-sdk");
    const { imageService, image } = require("@yandex-cloud/nodejs-sdk/compute-v1");
    const { operationService } = require("@yandex-cloud/nodejs-sdk/operation");
    const session = new Session({ ...(IAM_TOKEN && { iamToken: IAM_TOKEN }), ssl });
    const images = session.client(imageService.ImageServiceClient, ENDPOINT);
    const operations = session.client(operationService.OperationServiceClient, ENDPOINT);
    return {
      create: () => images.create(imageService.CreateImageRequest.fromPartial(asked)),
      poll: (id) => operations.get(operationService.GetOperationRequest.fromPartial({ operationId: id })),
      read: (operation) => image.Image.decode(operation.response.value),
    };
  },
  "@yandex-cloud/nodejs-sdk@2": async () => {
    const { Session, serviceClients, cloudApi, decodeMessage } = require("nodejs-sdk-2");
    const session = new Session({ iamToken: IAM_TOKEN, pollInterval: 10, ssl });
    const images = session.client(serviceClients.ComputeImageServiceClient, ENDPOINT);
    const operations = session.client(serviceClients.OperationServiceClient, ENDPOINT);
    const { GetOperationRequest } = cloudApi.operation.operation_service;
    return {
      create: () => images.create(cloudApi.compute.image_service.CreateImageRequest.fromPartial(asked)),
      poll: (id) => operations.get(GetOperationRequest.fromPartial({ operationId: id })),
      read: (operation) => decodeMessage(operation.response),
    };
  },
  "@nikolay.matrosov/yc-ts-sdk": async () => {
    const root = "@nikolay.matrosov/yc-ts-sdk";
    const { Session } = require(root);
    const { ImageService } = require(`${root}/lib/api/compute/v1`);
    const { OperationService } = require(`${root}/lib/api/operation`);
    const { CreateImageRequest } = require(`${root}/lib/generated/yandex/cloud/compute/v1/image_service`);
    const { Image } = require(`${root}/lib/generated/yandex/cloud/compute/v1/image`);
    const session = new Session({ iamToken: IAM_TOKEN });
    await session.setEndpoint(ENDPOINT);
    const images = ImageService(session);
    const operations = OperationService(session);
    return {
      create: () => images.create(CreateImageRequest.fromPartial(asked)),
      poll: (operationId) => operations.get({ operationId }),
      read: (operation) => Image.decode(operation.response.value),
    };
  },
  "yandex-cloud": async () => {
    const js = require("@grpc/grpc-js"); // today's Node does not build the native package `grpc`
    const makeGenericClientConstructor = (methods, ...rest) => {
      const made = js.makeGenericClientConstructor(methods, ...rest);
      made.prototype.$method_definitions = methods; // which `grpc` had
      return made;
    };
    const load = Module._load;
    const grpc = { ...js, makeGenericClientConstructor };
    Module._load = (name, ...rest) => (name === "grpc" ? grpc : load(name, ...rest));
    const { Session } = require("yandex-cloud");
    const { ImageService } = require("yandex-cloud/api/compute/v1");
    const { OperationService } = require("yandex-cloud/api/operation");
    const session = new Session({ iamToken: IAM_TOKEN });
    await session.setEndpoint(ENDPOINT);
    const images = new ImageService(session);
    const operations = new OperationService(session);
    return {
      create: () => images.create(asked),
      poll: (operationId) => operations.get({ operationId }),
      read: (operation) => operation.getResponse(),
    };
  },
};

async function main() {
  try {
    const { create, poll, read } = await SDKS[SDK]();
    let operation = await create();
    while (!operation.done) operation = await poll(operation.id);
    const made = read(operation);
    console.log(JSON.stringify({ id: made.id, name: made.name, status: made.status }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, details: error.details ?? error.message }));
  }
}

main().then(() => process.exit(0));
