// esbuild settings for the SDKs of video providers, used here and in tests/call.

export const define = {
  // Read by a package of Twilio's SDK that was written for Node.
  'process.env.NODE_DEBUG': 'undefined',
  global: 'globalThis',
};

// Substitutes of files that the page's policy refuses or that need Node, by importing file.
const kInstead = [
  // Noise cancelling, which is not used, loads a script of others with `new Function`.
  { asked: /\/dynamicimport$/, by: /twilio-video[\\/]es5[\\/]/, contents: () => "module.exports = () => Promise.reject(new Error('not in this bundle'));" },
  // Times in frames of Amazon fit into a number. The package for numbers of 64 bits tries WebAssembly first.
  { asked: /^long$/, by: /protobufjs[\\/]/, contents: () => 'module.exports = null;' },
  // One file asks for the whole package, and with it for a client of messaging that is for Node. It uses two parts.
  {
    asked: /^\.\.$/, by: /amazon-chime-sdk-js[\\/]build[\\/]task[\\/]PromoteToPrimaryMeetingTask\.js$/,
    contents: () => ['MeetingSessionStatus', 'MeetingSessionStatusCode']
      .map((one) => `exports.${one} = require('../meetingsession/${one}').default;`).join('\n'),
  },
];
export const sdks = {
  name: 'sdks',
  setup(build) {
    for (const { asked, by, contents } of kInstead) {
      build.onResolve({ filter: asked }, ({ path, importer, resolveDir }) =>
        (by.test(importer) ? { path, namespace: `instead ${asked}`, pluginData: resolveDir } : undefined));
      build.onLoad({ filter: /.*/, namespace: `instead ${asked}` }, ({ pluginData: resolveDir }) => ({ resolveDir, contents: contents() }));
    }
  },
};
