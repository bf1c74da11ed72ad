import { HeaderList } from '../../plugins/header-list.js'
import type { HeaderField } from '../../plugins/header-list.js'
import { MessageState } from '../../plugins/message-state.js'
import type { ConnectionInfo } from '../../plugins/messages.js'

/** The fields after a chunked body, while plugins may change them. */
export class TrailersState extends MessageState {
  readonly list: HeaderList

  constructor(connection: ConnectionInfo, fields: readonly HeaderField[]) {
    super(connection)
    this.list = new HeaderList(fields, this.touch)
  }

  keep(): () => void {
    const { fields } = this.list
    return () => this.list.restore(fields)
  }
}
