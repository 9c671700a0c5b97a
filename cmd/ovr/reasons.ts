import type { ConditionType, Reason } from '../../pkg/api/index.ts';

/** What a cause means, after "because". */
export const REASON_MEANINGS: Readonly<Record<Reason, string>> = {
  ManifestAdded: 'a manifest declares it and it was not there yet',
  ManifestChanged: 'its manifest changed',
  ManifestRemoved: 'no manifest declares it any more',
  ConstraintUnmet: 'its constraint does not match this node any more',
  Placed: 'the leader placed it on this node',
  Moved: 'the leader bound it to another node',
  Fenced: 'this node has had no session for so long that the leader may give it to another node',
  Adopted: 'its manifest says to take over what was there under its name',
  Missing: 'it was there and somebody or something removed it',
  NotRunning: 'it should run and does not',
  Paused: 'it is paused',
  Renamed: 'it has another name',
  SpecDiffers: 'it was made from another specification',
  EndpointMissing: 'it is not attached to a network that its manifest names',
  EndpointUnexpected: 'it is attached to a network that its manifest does not name',
  AliasesDiffer: 'its names on the network are not the declared ones',
  AliasMoved: 'an alias leads to other containers now',
  AliasSwitched: 'somebody switched an alias by hand',
  HolderReady: 'it is ready to hold an alias',
  HolderUnready: 'it is not ready, and a better container holds the alias',
  AddressDiffers: 'its address is not the declared one',
  AddressChanged: 'its address is not the one that it had',
  Unpublished: 'the network does not lead to it as it should: its name or its address was probed and failed',
  NetworkReplaced: 'the network it is attached to was removed and made again',
  RestartPolicyDiffers: 'its restart policy is not the declared one',
  ResourcesDiffer: 'its limits are not the declared ones',
  Duplicate: 'there are several of one name, and this one is not the oldest',
  Unfinished: 'an earlier change was interrupted',
  NotReady: 'the new container did not become ready',
  Replaced: 'the new container has taken its place',
};

/** What a condition means for its reader. */
export const CONDITION_MEANINGS: Readonly<Record<ConditionType, string>> = {
  Ready: 'It is as its manifest says.',
  Progressing: 'ovr is working on it.',
  Completed: 'It ran to its end, as its restart policy allows.',
  Drifted: 'It differs from its manifest, and ovr only watches it: its mode, or the agent’s, is observe.',
  Suspended: 'Somebody has suspended it: ovr tells what differs, and changes nothing until it is resumed.',
  Degraded: 'It does less than its manifest asks for; the message says what is missing.',
  NotHere: 'It is not this node’s to run.',
  Ignored: 'Its mode is ignore: ovr does not look at it.',
  Kept: 'Its manifest is gone, and it stays as it is because ovr/prune was "false": ovr neither repairs nor removes it.',
  Waiting: 'Something else must happen first; ovr tries again by itself.',
  Fenced:
    'It is stopped here: without a session with the coordinator, another node may be running it. It comes back with the session.',
  Unschedulable: 'No node of the cluster can run it now; the message says why, group by group.',
  Conflict: 'Something that ovr does not own has its name, so ovr leaves it alone.',
  NeedsRecreate:
    'Docker cannot change this in place, so ovr leaves it until it may be removed and made again.',
  UpdateFailed: 'The new container did not run, so ovr put the old one back.',
  PruneHeld: 'Its manifest is gone, and its removal waits for ovr prune --confirm.',
  Stalled: 'It changed again and again, so ovr repairs it less often now.',
  Failed: 'ovr cannot make it so; it tries again when the manifest changes or something happens to it.',
};
