// What esbuild is told for the SDKs of video providers, here and in tests/call.

export const define = {
  // Read by a package of Twilio's SDK that was written for Node.
  'process.env.NODE_DEBUG': 'undefined',
  global: 'globalThis',
};

// Numbers of 64 bits in frames of Amazon: times, which fit into a number. The package that protobufjs would take tries
// WebAssembly first, which the policy of the page refuses.
// One file of Amazon's SDK asks for the whole package, and with it for a client of messaging that is for Node. It gets the
// two parts that it uses.
const kAsks = /amazon-chime-sdk-js[\\/]build[\\/]task[\\/]PromoteToPrimaryMeetingTask\.js$/;
const kParts = ['MeetingSessionStatus', 'MeetingSessionStatusCode'];
export const chime = {
  name: 'chime',
  setup(build) {
    build.onResolve({ filter: /^\.\.$/ }, ({ path, importer, resolveDir }) =>
      (kAsks.test(importer) ? { path, namespace: 'chime', pluginData: resolveDir } : undefined));
    build.onResolve({ filter: /^long$/ }, () => ({ path: 'long', namespace: 'none' }));
    build.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: 'module.exports = null;' }));
    build.onLoad({ filter: /.*/, namespace: 'chime' }, ({ pluginData: resolveDir }) => ({
      resolveDir, contents: kParts.map((one) => `exports.${one} = require('../meetingsession/${one}').default;`).join('\n'),
    }));
  },
};
