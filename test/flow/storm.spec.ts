import { stormTrial } from '../support/storm-trial.ts';

stormTrial({ sessions: 200, within: 500, grantsASecond: 30, looks: 20 });
