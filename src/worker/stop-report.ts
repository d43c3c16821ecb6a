/** What a stop has left undone. */

export interface StopReport {
  /** Deliveries whose handlers did not finish in time: given back, to be run again, without using up an attempt. */
  readonly givenBack: number
}

export function stoppedMessage(givenBack: number, unsettled: number): string {
  const given = givenBack > 0 ? [`${givenBack} unfinished deliveries were given back`] : []
  const left = unsettled > 0 ? [`the outcomes of ${unsettled} could not be stored: they will run again`] : []
  return `${['Stopped', ...given, ...left].join('; ')}.`
}
