// The clients of the vendors call the stand-ins: node check.js <chime> <twilio>. Ends with 1 and says why when one of
// them is not content.
const assert = require('node:assert')
const meetings = require('@aws-sdk/client-chime-sdk-meetings')
const pipelines = require('@aws-sdk/client-chime-sdk-media-pipelines')
const twilio = require('twilio')

const [chimeUrl, twilioUrl] = process.argv.slice(2)
const aws = (secretAccessKey) => ({
  region: 'eu-central-1', endpoint: chimeUrl, maxAttempts: 1,
  credentials: { accessKeyId: 'AKIDEXAMPLEEXAMPLE', secretAccessKey }
})
const good = aws('wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY')

async function chime () {
  const client = new meetings.ChimeSDKMeetingsClient(good)
  const send = (name, input) => client.send(new meetings[name + 'Command'](input))
  const wanted = {
    ClientRequestToken: 'visit-1', ExternalMeetingId: 'visit-1', MediaRegion: 'eu-central-1',
    MeetingFeatures: { Attendee: { MaxCount: 5 } }
  }
  const { Meeting } = await send('CreateMeeting', wanted)
  assert.strictEqual(Meeting.ExternalMeetingId, 'visit-1')
  assert.ok(Meeting.MediaPlacement.AudioHostUrl)
  assert.strictEqual((await send('CreateMeeting', wanted)).Meeting.MeetingId, Meeting.MeetingId)
  const MeetingId = Meeting.MeetingId
  const Receive = { Audio: 'Receive', Video: 'Receive', Content: 'Receive' }
  const { Attendee } = await send('CreateAttendee', { MeetingId, ExternalUserId: 'guest-1', Capabilities: Receive })
  assert.ok(Attendee.JoinToken.length > 2)
  assert.deepStrictEqual(Attendee.Capabilities, Receive)
  const batch = await send('BatchCreateAttendee',
    { MeetingId, Attendees: [{ ExternalUserId: 'patient' }, { ExternalUserId: 'aws:not-mine' }] })
  assert.strictEqual(batch.Attendees.length, 1)
  assert.strictEqual(batch.Errors[0].ErrorCode, 'BadRequestException')
  const settings = { TranscriptionConfiguration: { EngineTranscribeSettings: { LanguageCode: 'en-US' } } }
  await send('StartMeetingTranscription', { MeetingId, ...settings })
  await send('StopMeetingTranscription', { MeetingId })
  const list = await send('ListAttendees', { MeetingId })
  assert.strictEqual(list.Attendees.length, 2)
  assert.strictEqual((await send('GetAttendee', { MeetingId, AttendeeId: Attendee.AttendeeId })).Attendee.ExternalUserId,
    'guest-1')

  const media = new pipelines.ChimeSDKMediaPipelinesClient(good)
  const pipe = (name, input) => media.send(new pipelines[name + 'Command'](input))
  const capture = (await pipe('CreateMediaCapturePipeline', {
    SourceType: 'ChimeSdkMeeting', SourceArn: Meeting.MeetingArn, SinkType: 'S3Bucket',
    SinkArn: 'arn:aws:s3:::visits/a', ClientRequestToken: 'capture-1'
  })).MediaCapturePipeline
  assert.ok(capture.MediaPipelineArn)
  const of = { MediaPipelineId: capture.MediaPipelineId }
  assert.strictEqual((await pipe('GetMediaCapturePipeline', of)).MediaCapturePipeline.Status, 'InProgress')
  await pipe('DeleteMediaCapturePipeline', of)
  const State = 'Disabled'
  const joined = (await pipe('CreateMediaConcatenationPipeline', {
    ClientRequestToken: 'concatenation-1',
    Sources: [{
      Type: 'MediaCapturePipeline',
      MediaCapturePipelineSourceConfiguration: {
        MediaPipelineArn: capture.MediaPipelineArn,
        ChimeSdkMeetingConfiguration: {
          ArtifactsConfiguration: {
            Audio: { State: 'Enabled' }, Video: { State }, Content: { State }, DataChannel: { State },
            TranscriptionMessages: { State }, MeetingEvents: { State }, CompositedVideo: { State }
          }
        }
      }
    }],
    Sinks: [{ Type: 'S3Bucket', S3BucketSinkConfiguration: { Destination: 'arn:aws:s3:::visits/a' } }]
  })).MediaConcatenationPipeline
  const seen = await pipe('GetMediaPipeline', { MediaPipelineId: joined.MediaPipelineId })
  assert.ok(seen.MediaPipeline.MediaConcatenationPipeline.Status)

  await send('DeleteAttendee', { MeetingId, AttendeeId: Attendee.AttendeeId })
  await send('DeleteMeeting', { MeetingId })
  await assert.rejects(send('GetMeeting', { MeetingId }), meetings.NotFoundException)
  await assert.rejects(send('CreateMeeting', { ...wanted, ClientRequestToken: 'other', MediaRegion: 'mars-1' }),
    meetings.BadRequestException)
  const forger = new meetings.ChimeSDKMeetingsClient(aws('another-secret'))
  await assert.rejects(forger.send(new meetings.GetMeetingCommand({ MeetingId })),
    { name: 'InvalidSignatureException' })
}

async function rooms () {
  class Here extends twilio.RequestClient {
    request (options) {
      return super.request({ ...options, uri: options.uri.replace('https://video.twilio.com', twilioUrl) })
    }
  }
  const client = twilio('SK00000000000000000000000000005a4d', 'sandbox-api-key-secret',
    { accountSid: 'AC00000000000000000000000000005a4d', httpClient: new Here() })
  const video = client.video.v1
  const room = await video.rooms.create({ uniqueName: 'visit-1', type: 'group', maxParticipants: 5, mediaRegion: 'de1' })
  assert.strictEqual(room.status, 'in-progress')
  assert.strictEqual((await video.rooms('visit-1').fetch()).sid, room.sid)
  await assert.rejects(video.rooms.create({ uniqueName: 'visit-1' }), { code: 53113 })
  await video.rooms(room.sid).recordingRules.update({ rules: [{ type: 'include', all: true }] })
  assert.deepStrictEqual(await video.rooms(room.sid).participants.list(), [])
  await assert.rejects(video.rooms(room.sid).participants('nobody').update({ status: 'disconnected' }), { status: 404 })
  const written = video.rooms(room.sid).transcriptions
  assert.deepStrictEqual(await written.list(), [])
  const { ttid, status } = await written.create({ configuration: { languageCode: 'en-US', speechModel: 'long' } })
  assert.strictEqual(status, 'started')
  assert.strictEqual((await written.list())[0].configuration.languageCode, 'en-US')
  assert.strictEqual((await written(ttid).update({ status: 'stopped' })).status, 'stopped')
  assert.strictEqual((await written(ttid).update({ status: 'started' })).status, 'started')
  await assert.rejects(written.create({ configuration: { speechModel: 'none of theirs' } }), { status: 400 })
  assert.strictEqual((await video.rooms(room.sid).update({ status: 'completed' })).status, 'completed')
  assert.strictEqual((await written(ttid).fetch()).status, 'stopped')
  assert.deepStrictEqual(await video.recordings.list({ groupingSid: [room.sid] }), [])
  const composition = await video.compositions.create({
    roomSid: room.sid, audioSources: ['*'], videoLayout: { grid: { video_sources: ['*'] } }, format: 'webm',
    resolution: '1280x720', statusCallback: 'http://127.0.0.1:9/hook'
  })
  assert.strictEqual(composition.status, 'enqueued')
  assert.deepStrictEqual(composition.videoLayout, { grid: { video_sources: ['*'] } })
  assert.strictEqual((await video.compositions(composition.sid).fetch()).roomSid, room.sid)
  assert.strictEqual((await video.compositions.list({ roomSid: room.sid }))[0].sid, composition.sid)
  await assert.rejects(video.compositions.create({ roomSid: room.sid }), { status: 400 })
  assert.strictEqual(await video.compositions(composition.sid).remove(), true)
  assert.deepStrictEqual(await video.compositions.list({ roomSid: room.sid }), [])
}

chime().then(rooms).then(() => console.log('content'), (error) => {
  console.error(error)
  process.exit(1)
})
