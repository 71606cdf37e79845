// In a page of Chromium: the vendors' clients take what the hub hands out. What they make of it goes to the console.
const tell = (what) => console.log('RABT ' + JSON.stringify(what))
const given = JSON.parse(decodeURIComponent(location.hash.slice(1)))

async function chime () {
  const sdk = require('amazon-chime-sdk-js')
  const made = new sdk.MeetingSessionConfiguration(given.meeting, given.attendee)
  tell({
    meetingId: made.meetingId,
    externalMeetingId: made.externalMeetingId,
    attendeeId: made.credentials.attendeeId,
    externalUserId: made.credentials.externalUserId,
    joinToken: made.credentials.joinToken,
    signalingURL: made.urls.signalingURL,
    audioHostURL: made.urls.audioHostURL,
    turnControlURL: made.urls.turnControlURL
  })
  // The same, with a signalling of our own: Amazon's is not there.
  const placement = { ...given.meeting.MediaPlacement, SignalingUrl: given.signalling }
  const own = new sdk.MeetingSessionConfiguration({ ...given.meeting, MediaPlacement: placement }, given.attendee)
  const logger = new sdk.NoOpLogger()
  const session = new sdk.DefaultMeetingSession(own, logger, new sdk.DefaultDeviceController(logger))
  session.audioVideo.start()
}

async function twilio () {
  const { connect } = require('twilio-video')
  await connect(given.token, { wsServer: given.signalling, tracks: [], insights: false })
}

const fail = (error) => tell({ failed: String(error.message || error) })
;(given.vendor === 'chime' ? chime() : twilio()).catch(fail)
